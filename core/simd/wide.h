// Vectors of numbers as vectors of double, for sums that must not lose digits. For simd/*.cpp alone.
#pragma once
#include <cstdint>

#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {

/// The lanes of a Vec<T> in double: one or two vectors.
template <class T>
struct Wide {
  static constexpr int parts = sizeof(double) / sizeof(T);
  Vec<double> part[parts];
};

template <class T>
[[gnu::always_inline]] inline Wide<T> widen(Vec<T> v) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return {{v}};
  } else {
#if defined(__AVX512F__)  // g++ 12 splits the generic form into vectors of half the size
    const __m512 f = reinterpret_cast<__m512>(v);
    const __m256 low = __builtin_shufflevector(f, f, 0, 1, 2, 3, 4, 5, 6, 7);
    const __m256 high = _mm512_maskz_extractf32x8_ps(0xff, f, 1);
    return {{_mm512_maskz_cvtps_pd(0xff, low), _mm512_maskz_cvtps_pd(0xff, high)}};
#elif defined(__AVX2__)
    const __m256 f = reinterpret_cast<__m256>(v);
    return {{_mm256_cvtps_pd(_mm256_castps256_ps128(f)), _mm256_cvtps_pd(_mm256_extractf128_ps(f, 1))}};
#else
    Wide<T> w;
    for (std::int64_t i = 0; i < lanes<T>; ++i) w.part[i / lanes<double>][i % lanes<double>] = v[i];
    return w;
#endif
  }
}

template <class T>
[[gnu::always_inline]] inline void add(Wide<T>& sum, Wide<T> v) {
  for (int h = 0; h < Wide<T>::parts; ++h) sum.part[h] += v.part[h];
}
template <class T>
[[gnu::always_inline]] inline void add_product(Wide<T>& sum, Wide<T> a, Wide<T> b) {
  for (int h = 0; h < Wide<T>::parts; ++h) sum.part[h] += a.part[h] * b.part[h];
}
/// Sum of all lanes.
template <class T>
[[gnu::always_inline]] inline double total(Wide<T> v) {
  for (int h = 1; h < Wide<T>::parts; ++h) v.part[0] += v.part[h];
  return sum<double>(v.part[0]);
}
/// sum[i] += lane i for the first n lanes.
template <class T>
[[gnu::always_inline]] inline void add_to(double* sum, Wide<T> v, std::int64_t n = lanes<T>) {
  for (int h = 0; h < Wide<T>::parts; ++h, sum += lanes<double>, n -= lanes<double>) {
    if (n >= lanes<double>)
      store(sum, load(sum) + v.part[h]);
    else if (n > 0)
      store(sum, load(sum, n) + v.part[h], n);
  }
}

}  // namespace glocal::simd::GLOCAL_ISA

// Vectors of the instruction set that this file is being compiled for. Every simd/*.cpp is compiled once per set, with
// GLOCAL_ISA as the name of its namespace; code outside that namespace must not be emitted from there.
#pragma once
#include <cstdint>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace glocal::simd::GLOCAL_ISA {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, registers = 32;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32, registers = 16;
#elif defined(__aarch64__)
constexpr int vector_bytes = 16, registers = 32;
#else
constexpr int vector_bytes = 16, registers = 16;
#endif

namespace detail {
template <class T>
struct Vec {
  typedef T type __attribute__((vector_size(vector_bytes)));
  typedef T unaligned __attribute__((vector_size(vector_bytes), aligned(alignof(T)), may_alias));
};
}  // namespace detail

/// lanes<T> numbers; + - * / and comparisons work lane by lane, a * b + c is one instruction where the set has it.
template <class T>
using Vec = typename detail::Vec<T>::type;
template <class T>
constexpr std::int64_t lanes = vector_bytes / static_cast<std::int64_t>(sizeof(T));

template <class T>
[[gnu::always_inline]] inline Vec<T> load(const T* p) {
  return *reinterpret_cast<const typename detail::Vec<T>::unaligned*>(p);
}
template <class T>
[[gnu::always_inline]] inline void store(T* p, Vec<T> v) {
  *reinterpret_cast<typename detail::Vec<T>::unaligned*>(p) = v;
}
template <class T>
[[gnu::always_inline]] inline Vec<T> splat(T value) {
  return Vec<T>{} + value;
}

/// The first n lanes, 0 <= n <= lanes; the others are 0. Nothing behind p + n is read or written.
template <class T>
[[gnu::always_inline]] inline Vec<T> load(const T* p, std::int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return reinterpret_cast<Vec<T>>(
        _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1), reinterpret_cast<const float*>(p)));
  else
    return reinterpret_cast<Vec<T>>(
        _mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << n) - 1), reinterpret_cast<const double*>(p)));
#else
  Vec<T> v{};
  for (std::int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}
template <class T>
[[gnu::always_inline]] inline void store(T* p, Vec<T> v, std::int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(reinterpret_cast<float*>(p), static_cast<__mmask16>((1U << n) - 1),
                          reinterpret_cast<__m512>(v));
  else
    _mm512_mask_storeu_pd(reinterpret_cast<double*>(p), static_cast<__mmask8>((1U << n) - 1),
                          reinterpret_cast<__m512d>(v));
#else
  for (std::int64_t i = 0; i < n; ++i) p[i] = v[i];
#endif
}

/// Sum of the lanes, pairwise.
template <class T>
[[gnu::always_inline]] inline T sum(Vec<T> v) {
  T half[lanes<T>];
  store(half, v);
  for (std::int64_t n = lanes<T> / 2; n > 0; n /= 2)
    for (std::int64_t i = 0; i < n; ++i) half[i] += half[i + n];
  return half[0];
}

}  // namespace glocal::simd::GLOCAL_ISA

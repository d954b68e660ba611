// Vectors of the instruction set that this file is being compiled for. Every simd/*.cpp is compiled once per set, with
// GLOCAL_ISA as the name of its namespace; code outside that namespace must not be emitted from there.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
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
  return value - Vec<T>{};  // and not 0 + value, which would make +0 of -0
}

#if defined(__AVX2__) && !defined(__AVX512F__)
namespace detail {
// All bits set in the first n lanes.
template <class T>
[[gnu::always_inline]] inline __m256i first(std::int64_t n) {
  if constexpr (sizeof(T) == 4)
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  else
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
}  // namespace detail
#endif

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
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return reinterpret_cast<Vec<T>>(_mm256_maskload_epi32(reinterpret_cast<const int*>(p), detail::first<T>(n)));
  else
    return reinterpret_cast<Vec<T>>(_mm256_maskload_epi64(reinterpret_cast<const long long*>(p), detail::first<T>(n)));
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
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    _mm256_maskstore_epi32(reinterpret_cast<int*>(p), detail::first<T>(n), reinterpret_cast<__m256i>(v));
  else
    _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), detail::first<T>(n), reinterpret_cast<__m256i>(v));
#else
  for (std::int64_t i = 0; i < n; ++i) p[i] = v[i];
#endif
}

/// Lanes [i, i + lanes) of arrays, or what is left of them: what for_each_vector passes to its body.
template <class T>
struct Whole {
  std::int64_t i;
  [[gnu::always_inline]] Vec<T> load(const T* p) const { return GLOCAL_ISA::load(p + i); }
  [[gnu::always_inline]] void store(T* p, Vec<T> v) const { GLOCAL_ISA::store(p + i, v); }
  [[gnu::always_inline]] Vec<T> fill(Vec<T> v, T) const { return v; }  ///< lanes that are not there become `other`
};
template <class T>
struct Part {
  std::int64_t i, n;
  [[gnu::always_inline]] Vec<T> load(const T* p) const { return GLOCAL_ISA::load(p + i, n); }
  [[gnu::always_inline]] void store(T* p, Vec<T> v) const { GLOCAL_ISA::store(p + i, v, n); }
  [[gnu::always_inline]] Vec<T> fill(Vec<T> v, T other) const {
    Vec<T> lane;
    for (std::int64_t j = 0; j < lanes<T>; ++j) lane[j] = static_cast<T>(j);
    return lane < static_cast<T>(n) ? v : splat(other);
  }
};

/// body(at) along n numbers; at.load(x) and at.store(y, v) reach them. One formula, hence the same bits, for all lanes.
template <class T, class F>
[[gnu::always_inline]] inline void for_each_vector(std::int64_t n, F body) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) body(Whole<T>{i});
  if (i < n) body(Part<T>{i, n - i});
}

/// a > b ? a : b and a < b ? a : b lane by lane: b where either is NaN.
template <class V>
[[gnu::always_inline]] inline V larger(V a, V b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(a[0]) == 4)
    return reinterpret_cast<V>(_mm512_maskz_max_ps(0xFFFF, reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
  else
    return reinterpret_cast<V>(_mm512_maskz_max_pd(0xFF, reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b)));
#else
  return a > b ? a : b;
#endif
}
template <class V>
[[gnu::always_inline]] inline V smaller(V a, V b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(a[0]) == 4)
    return reinterpret_cast<V>(_mm512_maskz_min_ps(0xFFFF, reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
  else
    return reinterpret_cast<V>(_mm512_maskz_min_pd(0xFF, reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b)));
#else
  return a < b ? a : b;
#endif
}

template <class V>
[[gnu::always_inline]] inline V sqrt(V x) {
  V y;
  for (std::size_t i = 0; i < sizeof(V) / sizeof(x[0]); ++i) y[i] = std::sqrt(x[i]);
  return y;
}

namespace detail {
template <int step, class V, std::size_t... i>
[[gnu::always_inline]] inline V swap_lanes(V v, std::index_sequence<i...>) {
  return __builtin_shufflevector(v, v, (i ^ step)...);
}
template <int step, class V, class F>
[[gnu::always_inline]] inline V across(V v, F f) {
  if constexpr (step > 0)
    return across<step / 2>(f(v, swap_lanes<step>(v, std::make_index_sequence<sizeof(V) / sizeof(v[0])>())), f);
  else
    return v;
}
}  // namespace detail

/// f over all lanes, pairwise; the result stands in every lane.
template <class V, class F>
[[gnu::always_inline]] inline V across(V v, F f) {
  return detail::across<static_cast<int>(sizeof(V) / sizeof(v[0])) / 2>(v, f);
}
/// Sum of the lanes, pairwise.
template <class T>
[[gnu::always_inline]] inline T sum(Vec<T> v) {
  return across(v, [](Vec<T> a, Vec<T> b) { return a + b; })[0];
}

}  // namespace glocal::simd::GLOCAL_ISA

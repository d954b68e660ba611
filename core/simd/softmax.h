// The softmax family on the rows of (rows, K) arrays, K >= 1, for one thread. All are stable for large logits and keep
// their digits where one class is nearly certain; an entry +inf takes all.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

template <class T>
struct SoftmaxKernels {
  /// y := e^(x - max) / sum.
  void (*softmax)(std::int64_t rows, std::int64_t K, const T* x, T* y);
  /// y := x - logsumexp(x).
  void (*log_softmax)(std::int64_t rows, std::int64_t K, const T* x, T* y);
  /// y := s (d - <s, d>) with s = softmax(x).
  void (*softmax_lin)(std::int64_t rows, std::int64_t K, const T* d, const T* x, T* y);
  /// y := d - <s, d> with s = softmax(x).
  void (*centred)(std::int64_t rows, std::int64_t K, const T* d, const T* x, T* y);
  /// y := a <b, c>.
  void (*row_dot_mul)(std::int64_t rows, std::int64_t K, const T* a, const T* b, const T* c, T* y);
  /// loss (rows,) := sum_k p_k (logsumexp(x) - x_k); terms with p_k = 0 are exactly 0.
  void (*cross_entropy)(std::int64_t rows, std::int64_t K, const T* x, const T* p, T* loss);
  /// y := g ((sum_k p_k) softmax(x) - p), the gradient of <g, cross_entropy> in x; g (rows,).
  void (*cross_entropy_slope)(std::int64_t rows, std::int64_t K, const T* x, const T* p, const T* g, T* y);
};

GLOCAL_KERNELS(SoftmaxKernels<float>, softmax_f32)
GLOCAL_KERNELS(SoftmaxKernels<double>, softmax_f64)

template <class T>
const SoftmaxKernels<T>& softmax() {
  if constexpr (sizeof(T) == sizeof(float))
    return softmax_f32();
  else
    return softmax_f64();
}

}  // namespace glocal::simd

// Dense products on one thread.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

/// C (m, n) := alpha A B + beta C, then + bias (n,) in every row where bias is not null, then max(0, .) where relu.
/// Element (i, l) of A (m, k) is a[i a_row + l a_col], with a_row or a_col 1; B (k, n) likewise; C has rows of stride
/// c_row. beta = 0 overwrites C whatever it held. A, B and bias must not overlap C.
template <class T>
struct Product {
  std::int64_t m, n, k;
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;
  std::int64_t b_row, b_col;
  T alpha, beta;
  T* c;
  std::int64_t c_row;
  const T* bias = nullptr;
  bool relu = false;
};

template <class T>
struct GemmKernels {
  /// scratch: scratch_size elements, 64-byte aligned. Which sums are formed depends on sizes and strides alone.
  void (*run)(const Product<T>& product, T* scratch);
  std::int64_t scratch_size;
};

GLOCAL_KERNELS(GemmKernels<float>, gemm_f32)
GLOCAL_KERNELS(GemmKernels<double>, gemm_f64)

template <class T>
const GemmKernels<T>& gemm() {
  if constexpr (sizeof(T) == sizeof(float))
    return gemm_f32();
  else
    return gemm_f64();
}

}  // namespace glocal::simd

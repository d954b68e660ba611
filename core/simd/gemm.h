// Dense products on one thread.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>
#include <glocal/core/simd/product.h>

namespace glocal::simd {

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

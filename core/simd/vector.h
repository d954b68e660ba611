// Loops over vectors of numbers, for one thread.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

template <class T>
struct VectorKernels {
  /// y := alpha x + y, n numbers.
  void (*axpy)(std::int64_t n, T alpha, const T* x, T* y);
  /// Sum of x_i y_i in double, in a fixed number of chains: the bits of an f32 sum depend on no instruction set.
  double (*dot)(std::int64_t n, const T* x, const T* y);
  /// y := a x0 + b x1; y may be one of the inputs.
  void (*lincomb)(std::int64_t n, T a, const T* x0, T b, const T* x1, T* y);
};

GLOCAL_KERNELS(VectorKernels<float>, vector_f32)
GLOCAL_KERNELS(VectorKernels<double>, vector_f64)

template <class T>
const VectorKernels<T>& vector() {
  if constexpr (sizeof(T) == sizeof(float))
    return vector_f32();
  else
    return vector_f64();
}

}  // namespace glocal::simd

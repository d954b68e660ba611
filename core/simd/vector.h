// Loops over vectors of numbers, for one thread.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

template <class T>
struct VectorKernels {
  /// y := alpha x + y, n numbers.
  void (*axpy)(std::int64_t n, T alpha, const T* x, T* y);
  /// Sum of x_i y_i in double, in a fixed number of chains: the same bits whatever the instruction set.
  double (*dot)(std::int64_t n, const T* x, const T* y);
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

// Sums of many numbers in double, for one thread.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

template <class T>
struct ReduceKernels {
  /// Sum of n numbers.
  double (*sum)(std::int64_t n, const T* x);
  /// sum[j] += x[i * stride + j] over all rows i, for each of the columns j.
  void (*add_rows)(std::int64_t rows, std::int64_t columns, std::int64_t stride, const T* x, double* sum);
};

GLOCAL_KERNELS(ReduceKernels<float>, reduce_f32)
GLOCAL_KERNELS(ReduceKernels<double>, reduce_f64)

template <class T>
const ReduceKernels<T>& reduce() {
  if constexpr (sizeof(T) == sizeof(float))
    return reduce_f32();
  else
    return reduce_f64();
}

}  // namespace glocal::simd

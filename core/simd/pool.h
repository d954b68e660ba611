// Pooling by 2 x 2 windows side by side, for one thread; a row or column left over belongs to no window.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

template <class T>
struct PoolKernels {
  /// Images x (planes, H, W) -> y (planes, H / 2, W / 2) and the place of each y in x, plus `base`. The first largest
  /// wins; a NaN counts as largest.
  void (*max)(std::int64_t planes, std::int64_t H, std::int64_t W, const T* x, T* y, std::int32_t* index,
              std::int32_t base);
  /// y := x at the index, and its adjoint x := y there and 0 elsewhere. False, with a part of the result written, if an
  /// index is not in its own window.
  bool (*take)(std::int64_t planes, std::int64_t H, std::int64_t W, const T* x, const std::int32_t* index,
               std::int32_t base, T* y);
  bool (*put)(std::int64_t planes, std::int64_t H, std::int64_t W, const T* y, const std::int32_t* index,
              std::int32_t base, T* x);
  /// y := mean of each window, and its adjoint.
  void (*mean)(std::int64_t H, std::int64_t W, const T* x, T* y);
  void (*mean_input)(std::int64_t H, std::int64_t W, const T* gy, T* gx);
};

GLOCAL_KERNELS(PoolKernels<float>, pool_f32)
GLOCAL_KERNELS(PoolKernels<double>, pool_f64)

template <class T>
const PoolKernels<T>& pool() {
  if constexpr (sizeof(T) == sizeof(float))
    return pool_f32();
  else
    return pool_f64();
}

}  // namespace glocal::simd

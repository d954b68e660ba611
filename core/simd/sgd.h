// One pass each over a step of SGD with momentum, v' = mu v + (wd w + g), w' = w - lr v', and its two derivatives.
#pragma once
#include <cstdint>

#include <glocal/core/simd/vector.h>

namespace glocal::simd {

template <class T>
struct SgdKernels {
  /// Along (dg, dv, dw) and step d: dv' = mu dv + (wd dw + dg) + d.mu v + d.wd w, dw' = dw - lr dv' - d.lr v'.
  void (*push)(std::int64_t n, SgdStep<T> step, SgdStep<T> d, const T* v, const T* w, const T* v_new, const T* dg,
               const T* dv, const T* dw, T* dv_new, T* dw_new);
  /// From (av', aw'): ag = av' - lr aw', av = mu ag, aw = aw' + wd ag; adds to the sums -<aw', v'>, <ag, v>, <ag, w>,
  /// the adjoints of lr, mu and wd. av may be av', aw may be aw'.
  void (*pull)(std::int64_t n, SgdStep<T> step, const T* v, const T* w, const T* v_new, const T* av_new,
               const T* aw_new, T* ag, T* av, T* aw, double* sums);
};

GLOCAL_KERNELS(SgdKernels<float>, sgd_f32)
GLOCAL_KERNELS(SgdKernels<double>, sgd_f64)

template <class T>
const SgdKernels<T>& sgd() {
  if constexpr (sizeof(T) == sizeof(float))
    return sgd_f32();
  else
    return sgd_f64();
}

}  // namespace glocal::simd

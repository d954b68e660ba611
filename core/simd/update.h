// The steps of the optimisers over n parameters, one pass over memory each; SGD's two derivatives as well. A new value
// may overwrite the old one.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

template <class T>
struct SgdStep {
  T lr, momentum, decay;
};

template <class T>
struct AdamStep {
  T lr, beta1, beta2, m_correction, v_correction, eps, eps_root, decay;
};

/// RMSProp's numbers; Adagrad's with alpha and momentum 0.
template <class T>
struct RootStep {
  T lr, alpha, momentum, eps, eps_root, decay;
};

template <class T>
struct UpdateKernels {
  /// v' := momentum v + (decay w + g), w' := w - lr v'.
  void (*sgd)(std::int64_t n, SgdStep<T> step, const T* g, const T* v, const T* w, T* v_new, T* w_new);
  /// The same v', w' := w - lr (momentum v' + (decay w + g)).
  void (*nesterov)(std::int64_t n, SgdStep<T> step, const T* g, const T* v, const T* w, T* v_new, T* w_new);
  /// Of sgd along (dg, dv, dw) and d: dv' = mu dv + (wd dw + dg) + d.mu v + d.wd w, dw' = dw - lr dv' - d.lr v'.
  void (*sgd_push)(std::int64_t n, SgdStep<T> step, SgdStep<T> d, const T* v, const T* w, const T* v_new, const T* dg,
                   const T* dv, const T* dw, T* dv_new, T* dw_new);
  /// Of sgd from (av', aw'): ag = av' - lr aw', av = mu ag, aw = aw' + wd ag; adds to the sums -<aw', v'>, <ag, v>,
  /// <ag, w>, the adjoints of lr, mu and wd.
  void (*sgd_pull)(std::int64_t n, SgdStep<T> step, const T* v, const T* w, const T* v_new, const T* av_new,
                   const T* aw_new, T* ag, T* av, T* aw, double* sums);
  /// m' := beta1 m + (1 - beta1) g, v' := beta2 v + (1 - beta2) g^2,
  /// w' := w - lr (m_correction m' / (sqrt(v_correction v' + eps_root) + eps) + decay w).
  void (*adam)(std::int64_t n, AdamStep<T> step, const T* g, const T* m, const T* v, const T* w, T* m_new, T* v_new,
               T* w_new);
  /// With g~ = decay w + g: s' := alpha s + (1 - alpha) g~^2, v' := momentum v + g~ / (sqrt(s' + eps_root) + eps),
  /// w' := w - lr v'.
  void (*rmsprop)(std::int64_t n, RootStep<T> step, const T* g, const T* s, const T* v, const T* w, T* s_new, T* v_new,
                  T* w_new);
  /// With g~ = decay w + g: s' := s + g~^2, w' := w - lr g~ / (sqrt(s' + eps_root) + eps).
  void (*adagrad)(std::int64_t n, RootStep<T> step, const T* g, const T* s, const T* w, T* s_new, T* w_new);
};

GLOCAL_KERNELS(UpdateKernels<float>, update_f32)
GLOCAL_KERNELS(UpdateKernels<double>, update_f64)

template <class T>
const UpdateKernels<T>& update() {
  if constexpr (sizeof(T) == sizeof(float))
    return update_f32();
  else
    return update_f64();
}

}  // namespace glocal::simd

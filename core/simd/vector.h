// Loops over vectors of numbers, for one thread.
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

template <class T>
struct VectorKernels {
  /// y := alpha x + y, n numbers.
  void (*axpy)(std::int64_t n, T alpha, const T* x, T* y);
  /// Sum of x_i y_i in double, in a fixed number of chains: the bits of an f32 sum depend on no instruction set.
  double (*dot)(std::int64_t n, const T* x, const T* y);
  /// y := a x0 + b x1, and y := a x0 + b x1 + c x2, summed from the left; y may be one of the inputs.
  void (*lincomb2)(std::int64_t n, T a, const T* x0, T b, const T* x1, T* y);
  void (*lincomb3)(std::int64_t n, T a, const T* x0, T b, const T* x1, T c, const T* x2, T* y);
  /// v' := momentum v + (decay w + g), w' := w - lr v'; in place where v' is v or w' is w.
  void (*sgd)(std::int64_t n, SgdStep<T> step, const T* g, const T* v, const T* w, T* v_new, T* w_new);
  /// m' := beta1 m + (1 - beta1) g, v' := beta2 v + (1 - beta2) g^2,
  /// w' := w - lr (m_correction m' / (sqrt(v_correction v' + eps_root) + eps) + decay w); in place as sgd.
  void (*adam)(std::int64_t n, AdamStep<T> step, const T* g, const T* m, const T* v, const T* w, T* m_new, T* v_new,
               T* w_new);
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

#include <glocal/core/simd/vector.h>

#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y) {
  const Vec<T> a = splat(alpha);
  for_each_vector<T>(n, [=](auto at) { at.store(y, a * at.load(x) + at.load(y)); });
}

template <class T>
double dot(std::int64_t n, const T* x, const T* y) {
  constexpr std::int64_t chains = 16;
  double sum[chains] = {};
  std::int64_t i = 0;
  for (; i + chains <= n; i += chains)
    for (std::int64_t j = 0; j < chains; ++j) sum[j] += static_cast<double>(x[i + j]) * static_cast<double>(y[i + j]);
  for (; i < n; ++i) sum[0] += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  for (std::int64_t half = chains / 2; half > 0; half /= 2)
    for (std::int64_t j = 0; j < half; ++j) sum[j] += sum[j + half];
  return sum[0];
}

template <class T>
void lincomb2(std::int64_t n, T a, const T* x0, T b, const T* x1, T* y) {
  const Vec<T> va = splat(a), vb = splat(b);
  for_each_vector<T>(n, [=](auto at) { at.store(y, vb * at.load(x1) + va * at.load(x0)); });
}

template <class T>
void lincomb3(std::int64_t n, T a, const T* x0, T b, const T* x1, T c, const T* x2, T* y) {
  const Vec<T> va = splat(a), vb = splat(b), vc = splat(c);
  for_each_vector<T>(n, [=](auto at) { at.store(y, vc * at.load(x2) + (vb * at.load(x1) + va * at.load(x0))); });
}

template <class T>
void sgd(std::int64_t n, SgdStep<T> step, const T* g, const T* v, const T* w, T* v_new, T* w_new) {
  const Vec<T> lr = splat(step.lr), momentum = splat(step.momentum), decay = splat(step.decay);
  for_each_vector<T>(n, [=](auto at) {
    const Vec<T> at_w = at.load(w), velocity = momentum * at.load(v) + (decay * at_w + at.load(g));
    at.store(v_new, velocity);
    at.store(w_new, at_w - lr * velocity);
  });
}

template <class T>
void adam(std::int64_t n, AdamStep<T> step, const T* g, const T* m, const T* v, const T* w, T* m_new, T* v_new,
          T* w_new) {
  const Vec<T> beta1 = splat(step.beta1), rest1 = splat(1 - step.beta1), lr = splat(step.lr);
  const Vec<T> beta2 = splat(step.beta2), rest2 = splat(1 - step.beta2), decay = splat(step.decay);
  const Vec<T> m_factor = splat(step.m_correction), v_factor = splat(step.v_correction);
  const Vec<T> eps = splat(step.eps), eps_root = splat(step.eps_root);
  for_each_vector<T>(n, [=](auto at) {
    const Vec<T> slope = at.load(g), at_w = at.load(w);
    const Vec<T> first = beta1 * at.load(m) + rest1 * slope, second = beta2 * at.load(v) + rest2 * (slope * slope);
    at.store(m_new, first);
    at.store(v_new, second);
    const Vec<T> direction = m_factor * first / (sqrt(v_factor * second + eps_root) + eps);
    at.store(w_new, at_w - lr * (decay * at_w + direction));
  });
}

}  // namespace

constinit const VectorKernels<float> vector_f32{axpy<float>,     dot<float>, lincomb2<float>,
                                                lincomb3<float>, sgd<float>, adam<float>};
constinit const VectorKernels<double> vector_f64{axpy<double>,     dot<double>, lincomb2<double>,
                                                 lincomb3<double>, sgd<double>, adam<double>};

}  // namespace glocal::simd::GLOCAL_ISA

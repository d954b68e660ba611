#include <glocal/core/simd/update.h>

#include <cstdint>

#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

using Int = std::int64_t;

template <class T>
void sgd(Int n, SgdStep<T> step, const T* g, const T* v, const T* w, T* v_new, T* w_new) {
  for_each_vector<T>(n, [=](auto at) {
    const Vec<T> at_w = at.load(w), velocity = step.momentum * at.load(v) + (step.decay * at_w + at.load(g));
    at.store(v_new, velocity);
    at.store(w_new, at_w - step.lr * velocity);
  });
}

template <class T>
void nesterov(Int n, SgdStep<T> step, const T* g, const T* v, const T* w, T* v_new, T* w_new) {
  for_each_vector<T>(n, [=](auto at) {
    const Vec<T> at_w = at.load(w), slope = step.decay * at_w + at.load(g);
    const Vec<T> velocity = step.momentum * at.load(v) + slope;
    at.store(v_new, velocity);
    at.store(w_new, at_w - step.lr * (step.momentum * velocity + slope));
  });
}

template <class T>
void sgd_push(Int n, SgdStep<T> step, SgdStep<T> d, const T* v, const T* w, const T* v_new, const T* dg, const T* dv,
              const T* dw, T* dv_new, T* dw_new) {
  for_each_vector<T>(n, [=](auto at) {
    const Vec<T> change = step.decay * at.load(dw) + at.load(dg) + d.momentum * at.load(v) + d.decay * at.load(w);
    const Vec<T> velocity = step.momentum * at.load(dv) + change;
    at.store(dw_new, at.load(dw) - step.lr * velocity - d.lr * at.load(v_new));
    at.store(dv_new, velocity);
  });
}

// Sums in T over short runs, then in double.
template <class T>
void sgd_pull(Int n, SgdStep<T> step, const T* v, const T* w, const T* v_new, const T* av_new, const T* aw_new, T* ag,
              T* av, T* aw, double* sums) {
  constexpr Int run = 32 * lanes<T>;
  for (Int begin = 0; begin < n; begin += run) {
    const Int length = n - begin < run ? n - begin : run;
    Vec<T> lr{}, momentum{}, decay{};
    for_each_vector<T>(length, [&](auto at) {
      const Vec<T> a = at.load(aw_new + begin), g = at.load(av_new + begin) - step.lr * a;
      lr -= a * at.load(v_new + begin);
      momentum += g * at.load(v + begin);
      decay += g * at.load(w + begin);
      at.store(ag + begin, g);
      at.store(av + begin, step.momentum * g);
      at.store(aw + begin, a + step.decay * g);
    });
    sums[0] += static_cast<double>(sum<T>(lr));
    sums[1] += static_cast<double>(sum<T>(momentum));
    sums[2] += static_cast<double>(sum<T>(decay));
  }
}

template <class T>
void adam(Int n, AdamStep<T> step, const T* g, const T* m, const T* v, const T* w, T* m_new, T* v_new, T* w_new) {
  for_each_vector<T>(n, [=](auto at) {
    const Vec<T> slope = at.load(g), at_w = at.load(w);
    const Vec<T> first = step.beta1 * at.load(m) + (1 - step.beta1) * slope;
    const Vec<T> second = step.beta2 * at.load(v) + (1 - step.beta2) * (slope * slope);
    at.store(m_new, first);
    at.store(v_new, second);
    const Vec<T> root = sqrt(step.v_correction * second + step.eps_root) + step.eps;
    at.store(w_new, at_w - step.lr * (step.decay * at_w + step.m_correction * first / root));
  });
}

template <class T>
void rmsprop(Int n, RootStep<T> step, const T* g, const T* s, const T* v, const T* w, T* s_new, T* v_new, T* w_new) {
  for_each_vector<T>(n, [=](auto at) {
    const Vec<T> at_w = at.load(w), slope = step.decay * at_w + at.load(g);
    const Vec<T> square = step.alpha * at.load(s) + (1 - step.alpha) * (slope * slope);
    const Vec<T> velocity = step.momentum * at.load(v) + slope / (sqrt(square + step.eps_root) + step.eps);
    at.store(s_new, square);
    at.store(v_new, velocity);
    at.store(w_new, at_w - step.lr * velocity);
  });
}

template <class T>
void adagrad(Int n, RootStep<T> step, const T* g, const T* s, const T* w, T* s_new, T* w_new) {
  for_each_vector<T>(n, [=](auto at) {
    const Vec<T> at_w = at.load(w), slope = step.decay * at_w + at.load(g), square = at.load(s) + slope * slope;
    at.store(s_new, square);
    at.store(w_new, at_w - step.lr * (slope / (sqrt(square + step.eps_root) + step.eps)));
  });
}

}  // namespace

constinit const UpdateKernels<float> update_f32{sgd<float>,  nesterov<float>, sgd_push<float>, sgd_pull<float>,
                                                adam<float>, rmsprop<float>,  adagrad<float>};
constinit const UpdateKernels<double> update_f64{sgd<double>,  nesterov<double>, sgd_push<double>, sgd_pull<double>,
                                                 adam<double>, rmsprop<double>,  adagrad<double>};

}  // namespace glocal::simd::GLOCAL_ISA

#include <glocal/core/simd/sgd.h>

#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

using Int = std::int64_t;

template <class T>
void push(Int n, SgdStep<T> step, SgdStep<T> d, const T* v, const T* w, const T* v_new, const T* dg, const T* dv,
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
void pull(Int n, SgdStep<T> step, const T* v, const T* w, const T* v_new, const T* av_new, const T* aw_new, T* ag,
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

}  // namespace

constinit const SgdKernels<float> sgd_f32{push<float>, pull<float>};
constinit const SgdKernels<double> sgd_f64{push<double>, pull<double>};

}  // namespace glocal::simd::GLOCAL_ISA

#include <glocal/core/simd/elementwise.h>

#include <cstdint>

#include <glocal/core/simd/math.h>
#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

template <class V>
[[gnu::always_inline]] inline V gelu_slope(V x) {
  const Normal<V> at_x = normal(x);
  return at_x.cumulative + x * at_x.density;
}

template <class V>
[[gnu::always_inline]] inline V silu_slope(V x) {
  // s + x s (1 - s), where 1 - s would be a difference of nearly equal numbers
  const V e = exp(-abs(x)), inverse = 1 / (1 + e);
  return (x < 0 ? e : V{} + 1) * inverse + x * (e * inverse * inverse);
}

template <class T, class F>
void loop(std::int64_t n, const T* a, const T* b, T p, T* y) {
  const Vec<T> constant = splat(p);
  for_each_vector<T>(n, [=](auto at) { at.store(y, F::of(at.load(a), at.load(b), constant)); });
}

#define GLOCAL_FUNCTION(name, formula)                                                                     \
  struct name##_formula {                                                                                  \
    template <class V>                                                                                     \
    [[gnu::always_inline]] static V of([[maybe_unused]] V a, [[maybe_unused]] V b, [[maybe_unused]] V p) { \
      return formula;                                                                                      \
    }                                                                                                      \
  };
GLOCAL_FORMULAS(GLOCAL_FUNCTION)

}  // namespace

#define GLOCAL_F32(name, formula) loop<float, name##_formula>,
constinit const ElementwiseKernels<float> elementwise_f32{{GLOCAL_FORMULAS(GLOCAL_F32)}};
#define GLOCAL_F64(name, formula) loop<double, name##_formula>,
constinit const ElementwiseKernels<double> elementwise_f64{{GLOCAL_FORMULAS(GLOCAL_F64)}};

}  // namespace glocal::simd::GLOCAL_ISA

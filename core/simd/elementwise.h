// y := f(a, b, p), number by number, for one thread: a and b are arrays, p is one number.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

/// Every formula there is, over vectors V; those of one array are called with b = a. A new one is one line here.
// clang-format off
#define GLOCAL_FORMULAS(F) \
  F(add, a + b)                                  \
  F(sub, a - b)                                  \
  F(mul, a * b)                                  \
  F(div, a / b)                                  \
  F(scale, p * a)                                \
  F(shift, a + p)                                \
  F(axpy, p * a + b)                             \
  F(exp, exp(a))                                 \
  F(log, log(a))                                 \
  F(log1p, log1p(a))                             \
  F(sqrt, sqrt(a))                               \
  F(rsqrt, 1 / sqrt(a))                          \
  F(reciprocal, 1 / a)                           \
  F(square, a * a)                               \
  F(abs, abs(a))                                 \
  F(sign, a > 0 ? V{} + 1 : a < 0 ? V{} - 1 : a) \
  F(sin, sin(a))                                 \
  F(cos, cos(a))                                 \
  F(erf, erf(a))                                 \
  F(gaussian, gaussian(p, a))                    \
  F(power, pow(a, p))                            \
  F(power_of, pow(a, b))                         \
  F(relu, a < 0 ? V{} : a)                       \
  F(relu_lin, b > 0 ? a : V{})                   \
  F(leaky_relu, a < 0 ? p * a : a)               \
  F(leaky_relu_lin, b > 0 ? a : p * a)           \
  F(elu, a > 0 ? a : p * expm1(a))               \
  F(gelu, a * normal(a).cumulative)              \
  F(gelu_lin, gelu_slope(b) * a)                 \
  F(silu, a * logistic(a))                       \
  F(silu_lin, silu_slope(b) * a)                 \
  F(softplus, softplus(a))                       \
  F(sigmoid, logistic(a))                        \
  F(sigmoid_lin, logistic_slope(b) * a)          \
  F(tanh, tanh(a))                               \
  F(tanh_lin, tanh_slope(b) * a)
// clang-format on

namespace glocal::simd {

#define GLOCAL_NAME(name, formula) name,
enum class Formula { GLOCAL_FORMULAS(GLOCAL_NAME) count };
#undef GLOCAL_NAME

#define GLOCAL_NAME(name, formula) #name,
constexpr const char* name_of(Formula formula) {
  constexpr const char* names[] = {GLOCAL_FORMULAS(GLOCAL_NAME)};
  return names[static_cast<int>(formula)];
}
#undef GLOCAL_NAME

template <class T>
struct ElementwiseKernels {
  /// n numbers; y may be a or b.
  using Kernel = void (*)(std::int64_t n, const T* a, const T* b, T p, T* y);
  Kernel of_formula[static_cast<int>(Formula::count)];
  Kernel operator[](Formula formula) const { return of_formula[static_cast<int>(formula)]; }
};

GLOCAL_KERNELS(ElementwiseKernels<float>, elementwise_f32)
GLOCAL_KERNELS(ElementwiseKernels<double>, elementwise_f64)

template <class T>
const ElementwiseKernels<T>& elementwise() {
  if constexpr (sizeof(T) == sizeof(float))
    return elementwise_f32();
  else
    return elementwise_f64();
}

}  // namespace glocal::simd

#include <algorithm>
#include <cmath>
#include <numbers>

#include <glocal/autodiff/ops/elementwise_kernels.h>
#include <glocal/autodiff/ops/unary.h>

namespace glocal {
namespace {

template <class T>
T logistic(T v) {
  // In f32 by one exponential in double, which has room for every f32 result: fast, and correctly rounded.
  if constexpr (std::is_same_v<T, float>) return static_cast<T>(1 / (1 + std::exp(-static_cast<double>(v))));
  const T e = std::exp(-std::abs(v));  // of a negative number: no overflow, full accuracy at both ends
  return v < 0 ? e / (1 + e) : 1 / (1 + e);
}

// In f32 by one exponential in double: faster than std::tanh, and within one unit in the last place.
template <class T>
T hyperbolic_tangent(T v) {
  if constexpr (std::is_same_v<T, float>) {
    const double size = std::abs(static_cast<double>(v)), e = std::exp(-2 * size), y = (1 - e) / (1 + e);
    return std::copysign(static_cast<float>(size < 1e-4 ? size : y), v);
  }
  return std::tanh(v);
}

// Density and distribution function of the standard normal.
template <class T>
T normal_density(T v) {
  return std::exp(T(-0.5) * v * v) * static_cast<T>(std::numbers::inv_sqrtpi / std::numbers::sqrt2);
}
template <class T>
T normal_cumulative(T v) {
  return T(0.5) * std::erfc(-v * static_cast<T>(1 / std::numbers::sqrt2));
}
Var normal_density(const Var& x) {
  return scale(exp(scale(square(x), -0.5)), std::numbers::inv_sqrtpi / std::numbers::sqrt2);
}

// ---- piecewise linear: x above 0, slope * x below; slope 0 is relu ----

// d where x > 0, slope * d elsewhere; x is frozen.
struct ReluLin : Primitive<"relu_lin"> {
  double slope;
  explicit ReluLin(double s) : slope(s) {}
  Tensor eval(std::span<const Tensor> x) const override {
    if (slope == 0)
      return map(
          name(), [](auto d, auto v) { return v > 0 ? d : decltype(d)(0); }, x[0], x[1]);
    return map(
        name(), [s = slope](auto d, auto v) { return v > 0 ? d : static_cast<decltype(d)>(s) * d; }, x[0], x[1]);
  }
  Var jvp(In x, const Var&, In dx) const override { return dx[0] ? apply(*this, dx[0], x[1]) : Var(); }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = apply(*this, gy, x[1]);
  }
};

struct Relu : Unary<"relu"> {
  double slope;
  explicit Relu(double s) : slope(s) {}
  Tensor eval(std::span<const Tensor> x) const override {
    if (slope == 0)
      return map(
          name(), [](auto v) { return v < 0 ? decltype(v)(0) : v; }, x[0]);
    return map(
        name(), [s = slope](auto v) { return v < 0 ? static_cast<decltype(v)>(s) * v : v; }, x[0]);
  }
  Var along(const Var& x, const Var&, const Var& d) const override {
    return apply(ReluLin(slope), d, stop_gradient(x));
  }
};

// ---- smooth, through the output ----

struct TanhLin : UnaryLin<TanhLin, "tanh_lin"> {  // (1 - y^2) d
  Tensor eval(std::span<const Tensor> x) const override {
    return map(
        name(), [](auto d, auto y) { return (decltype(d)(1) - y * y) * d; }, x[0], x[1]);
  }
  Var bend(const Var& d, const Var& y) const override { return scale(mul(d, y), -2); }
};

struct Tanh : Unary<"tanh"> {
  Tensor eval(std::span<const Tensor> x) const override {
    return map(
        name(), [](auto v) { return hyperbolic_tangent(v); }, x[0]);
  }
  Var along(const Var&, const Var& y, const Var& d) const override { return apply(TanhLin{}, d, y); }
};

struct SigmoidLin : UnaryLin<SigmoidLin, "sigmoid_lin"> {  // y (1 - y) d
  Tensor eval(std::span<const Tensor> x) const override {
    return map(
        name(), [](auto d, auto y) { return y * (decltype(d)(1) - y) * d; }, x[0], x[1]);
  }
  Var bend(const Var& d, const Var& y) const override { return mul(d, shift(scale(y, -2), 1)); }
};

struct Sigmoid : Unary<"sigmoid"> {
  Tensor eval(std::span<const Tensor> x) const override {
    return map(
        name(), [](auto v) { return logistic(v); }, x[0]);
  }
  Var along(const Var&, const Var& y, const Var& d) const override { return apply(SigmoidLin{}, d, y); }
};

// ---- smooth, through the input ----

struct Softplus : Unary<"softplus"> {
  Tensor eval(std::span<const Tensor> x) const override {
    return map(
        name(), [](auto v) { return (v > 0 ? v : decltype(v)(0)) + std::log1p(std::exp(-std::abs(v))); }, x[0]);
  }
  Var along(const Var& x, const Var&, const Var& d) const override { return mul(d, sigmoid(x)); }
};

struct SiluLin : UnaryLin<SiluLin, "silu_lin"> {  // (s + x s (1 - s)) d with s = sigmoid(x)
  Tensor eval(std::span<const Tensor> x) const override {
    return map(
        name(),
        [](auto d, auto v) {
          const auto s = logistic(v);
          return s * (decltype(d)(1) + v * (decltype(d)(1) - s)) * d;
        },
        x[0], x[1]);
  }
  // s (1 - s) (2 + x (1 - 2 s)) d
  Var bend(const Var& d, const Var& x) const override {
    const Var s = sigmoid(x);
    return apply(SigmoidLin{}, mul(d, shift(mul(x, shift(scale(s, -2), 1)), 2)), s);
  }
};

struct Silu : Unary<"silu"> {
  Tensor eval(std::span<const Tensor> x) const override {
    return map(
        name(), [](auto v) { return v * logistic(v); }, x[0]);
  }
  Var along(const Var& x, const Var&, const Var& d) const override { return apply(SiluLin{}, d, x); }
};

struct GeluLin : UnaryLin<GeluLin, "gelu_lin"> {  // (Phi(x) + x phi(x)) d
  Tensor eval(std::span<const Tensor> x) const override {
    return map(
        name(), [](auto d, auto v) { return (normal_cumulative(v) + v * normal_density(v)) * d; }, x[0], x[1]);
  }
  // phi(x) (2 - x^2) d
  Var bend(const Var& d, const Var& x) const override {
    return mul(mul(d, normal_density(x)), shift(neg(square(x)), 2));
  }
};

struct Gelu : Unary<"gelu"> {
  Tensor eval(std::span<const Tensor> x) const override {
    return map(
        name(), [](auto v) { return v * normal_cumulative(v); }, x[0]);
  }
  Var along(const Var& x, const Var&, const Var& d) const override { return apply(GeluLin{}, d, x); }
};

// x above 0, alpha (e^x - 1) below; the side is frozen.
struct Elu : Unary<"elu"> {
  double alpha;
  explicit Elu(double a) : alpha(a) {}
  Tensor eval(std::span<const Tensor> x) const override {
    return map(
        name(), [a = alpha](auto v) { return v > 0 ? v : static_cast<decltype(v)>(a) * std::expm1(v); }, x[0]);
  }
  Var along(const Var& x, const Var&, const Var& d) const override {
    Tensor above(x.shape(), DType::i32);
    visit_float(x.dtype(), name(), [&]<class T>() {
      map_pointers(
          x.size(), [](T v) { return v > 0 ? 1 : 0; }, above.data<std::int32_t>(), x.value().data<T>());
    });
    // The side not taken must stay finite, or its zero weight would meet an infinity at the next order.
    const Var below = exp(where(above, zeros_like(x), x));
    return where(above, d, scale(mul(d, below), alpha));
  }
};

}  // namespace

Var relu(const Var& x) { return apply(Relu(0), x); }
Var leaky_relu(const Var& x, double slope) { return apply(Relu(slope), x); }
Var elu(const Var& x, double alpha) { return apply(Elu(alpha), x); }
Var gelu(const Var& x) { return apply(Gelu{}, x); }
Var silu(const Var& x) { return apply(Silu{}, x); }
Var softplus(const Var& x) { return apply(Softplus{}, x); }
Var sigmoid(const Var& x) { return apply(Sigmoid{}, x); }
Var tanh(const Var& x) { return apply(Tanh{}, x); }

}  // namespace glocal

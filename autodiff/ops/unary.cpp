#include <glocal/autodiff/ops/unary.h>

#include <algorithm>
#include <cstdint>
#include <numbers>
#include <utility>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/autodiff/ops/elementwise_kernels.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

struct Exp : Unary<"exp", Reads::only_outputs()> {
  Tensor eval(Values x) const override { return elementwise(Formula::exp, x); }
  Var along(const Var&, const Var& y, const Var& d) const override { return mul(d, y); }
};

struct Log : Unary<"log"> {
  Tensor eval(Values x) const override { return elementwise(Formula::log, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return div(d, x); }
};

struct Log1p : Unary<"log1p"> {
  Tensor eval(Values x) const override { return elementwise(Formula::log1p, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return div(d, shift(x, 1)); }
};

struct Sqrt : Unary<"sqrt", Reads::only_outputs()> {
  Tensor eval(Values x) const override { return elementwise(Formula::sqrt, x); }
  Var along(const Var&, const Var& y, const Var& d) const override { return div(scale(d, 0.5), y); }
};

struct Rsqrt : Unary<"rsqrt", Reads::only_outputs()> {
  Tensor eval(Values x) const override { return elementwise(Formula::rsqrt, x); }
  Var along(const Var&, const Var& y, const Var& d) const override { return scale(mul(d, mul(y, square(y))), -0.5); }
};

struct Reciprocal : Unary<"reciprocal", Reads::only_outputs()> {
  Tensor eval(Values x) const override { return elementwise(Formula::reciprocal, x); }
  Var along(const Var&, const Var& y, const Var& d) const override { return neg(mul(d, square(y))); }
};

struct Square : Unary<"square"> {
  Tensor eval(Values x) const override { return elementwise(Formula::square, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return scale(mul(d, x), 2); }
};

struct Abs : Unary<"abs"> {
  Tensor eval(Values x) const override { return elementwise(Formula::abs, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return mul(d, sign(stop_gradient(x))); }
};

struct Sign : Unary<"sign", Reads::nothing()> {
  Tensor eval(Values x) const override { return elementwise(Formula::sign, x); }
  Var along(const Var&, const Var&, const Var&) const override { return {}; }
};

struct Sin : Unary<"sin"> {
  Tensor eval(Values x) const override { return elementwise(Formula::sin, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return mul(d, cos(x)); }
};

struct Cos : Unary<"cos"> {
  Tensor eval(Values x) const override { return elementwise(Formula::cos, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return neg(mul(d, sin(x))); }
};

struct Gaussian : Unary<"gaussian", Reads{1, true}> {
  double factor;
  explicit Gaussian(double f) : factor(f) {}
  Tensor eval(Values x) const override { return elementwise(Formula::gaussian, x, factor); }
  Var along(const Var& x, const Var& y, const Var& d) const override { return scale(mul(d, mul(x, y)), -2 * factor); }
};

// erf'(x) = 2 / sqrt(pi) exp(-x^2)
struct Erf : Unary<"erf"> {
  Tensor eval(Values x) const override { return elementwise(Formula::erf, x); }
  Var along(const Var& x, const Var&, const Var& d) const override {
    return scale(mul(d, gaussian(x, 1)), 2 * std::numbers::inv_sqrtpi);
  }
};

struct Power : Unary<"power"> {
  double exponent;
  explicit Power(double e) : exponent(e) {}
  Tensor eval(Values x) const override { return elementwise(Formula::power, x, exponent); }
  Var along(const Var& x, const Var&, const Var& d) const override {
    return scale(mul(d, pow(x, exponent - 1)), exponent);
  }
};

// 1 where take says so, else 0; and whether there is any such place.
template <class F>
std::pair<Tensor, bool> places(const Tensor& x, const Tensor& e, F take) {
  Tensor mask(x.shape(), DType::i32);
  visit_float(x.dtype(), "pow", [&]<class T>() {
    map_pointers(
        x.size(), [&](T u, T v) { return take(u, v) ? 1 : 0; }, mask.data<std::int32_t>(), x.data<T>(), e.data<T>());
  });
  const auto flags = mask.span<std::int32_t>();
  return {mask, std::any_of(flags.begin(), flags.end(), [](std::int32_t m) { return m != 0; })};
}

// y = x^e with d/dx = e x^(e-1) and d/de = y log x; at x = 0 the first is 0 for e = 0, the second for e >= 0.
struct PowerOf : Primitive<"power_of"> {
  Tensor eval(Values x) const override { return elementwise(Formula::power_of, x); }
  static Var in_x(In x) {
    const auto [origin, any] = places(x[0].value(), x[1].value(), [](auto v, auto e) { return v == 0 && e == 0; });
    const Var safe = any ? where(origin, ones_like(x[0]), x[0]) : x[0];
    return mul(x[1], pow(safe, shift(x[1], -1)));
  }
  static Var in_exponent(In x, const Var& y) {
    const auto [origin, any] = places(x[0].value(), x[1].value(), [](auto v, auto e) { return v == 0 && e >= 0; });
    return mul(y, log(any ? where(origin, ones_like(x[0]), x[0]) : x[0]));
  }
  Var jvp(In x, const Var& y, In dx) const override {
    return plus(dx[0] ? mul(dx[0], in_x(x)) : Var(), dx[1] ? mul(dx[1], in_exponent(x, y)) : Var());
  }
  void vjp(In x, const Var& y, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = mul(gy, in_x(x));
    if (w[1]) gx[1] = mul(gy, in_exponent(x, y));
  }
};

}  // namespace

Var exp(const Var& x) { return apply(Exp{}, x); }
Var log(const Var& x) { return apply(Log{}, x); }
Var log1p(const Var& x) { return apply(Log1p{}, x); }
Var sqrt(const Var& x) { return apply(Sqrt{}, x); }
Var rsqrt(const Var& x) { return apply(Rsqrt{}, x); }
Var reciprocal(const Var& x) { return apply(Reciprocal{}, x); }
Var square(const Var& x) { return apply(Square{}, x); }
Var abs(const Var& x) { return apply(Abs{}, x); }
Var sign(const Var& x) { return apply(Sign{}, x); }
Var sin(const Var& x) { return apply(Sin{}, x); }
Var cos(const Var& x) { return apply(Cos{}, x); }
Var gaussian(const Var& x, double factor) { return apply(Gaussian(factor), x); }
Var erf(const Var& x) { return apply(Erf{}, x); }

// The chain of derivatives of a whole power ends in a constant here, before it can reach 0 * inf at x = 0.
Var pow(const Var& x, double exponent) {
  check_float("pow", x);
  if (exponent == 0) return ones_like(x);
  if (exponent == 1) return x;
  if (exponent == 2) return square(x);
  return apply(Power(exponent), x);
}

Var pow(const Var& x, const Var& exponent) {
  check_same_dtype("pow", x, exponent);
  const Shape shape = broadcast_shapes(x.shape(), exponent.shape(), "pow");
  return apply(PowerOf{}, broadcast_to(x, shape), broadcast_to(exponent, shape));
}

}  // namespace glocal

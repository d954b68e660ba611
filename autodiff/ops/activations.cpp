#include <cstdint>
#include <numbers>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/elementwise_kernels.h>
#include <glocal/autodiff/ops/unary.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

// Density of the standard normal.
Var normal_density(const Var& x) { return scale(gaussian(x, 0.5), std::numbers::inv_sqrtpi / std::numbers::sqrt2); }

// ---- piecewise linear: x above 0, slope * x below; slope 0 is relu ----

// d where x > 0, slope * d elsewhere; x is frozen.
struct ReluLin : Primitive<"relu_lin"> {
  double slope;
  explicit ReluLin(double s) : slope(s) {}
  Tensor eval(Values x) const override {
    return slope == 0 ? elementwise(Formula::relu_lin, x) : elementwise(Formula::leaky_relu_lin, x, slope);
  }
  Reads reads(Wants) const override { return Reads::input(1); }
  Var jvp(In x, const Var&, In dx) const override { return dx[0] ? apply(*this, dx[0], x[1]) : Var(); }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = apply(*this, gy, x[1]);
  }
};

struct Relu : Unary<"relu"> {
  double slope;
  explicit Relu(double s) : slope(s) {}
  Tensor eval(Values x) const override {
    return slope == 0 ? elementwise(Formula::relu, x) : elementwise(Formula::leaky_relu, x, slope);
  }
  // Where slope >= 0, the output has the sign of the input.
  Reads reads(Wants) const override { return slope >= 0 ? Reads::only_outputs() : Reads::only_inputs(); }
  Var along(const Var& x, const Var& y, const Var& d) const override {
    return apply(ReluLin(slope), d, stop_gradient(slope >= 0 ? y : x));
  }
};

// ---- smooth; through the input, since an output that has come to a limit no longer knows the slope ----

struct TanhLin : UnaryLin<TanhLin, "tanh_lin"> {  // d / cosh^2 x
  Tensor eval(Values x) const override { return elementwise(Formula::tanh_lin, x); }
  // -2 tanh x / cosh^2 x d
  Var bend(const Var& d, const Var& x) const override { return scale(apply(*this, mul(d, tanh(x)), x), -2); }
};

struct Tanh : Unary<"tanh"> {
  Tensor eval(Values x) const override { return elementwise(Formula::tanh, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return apply(TanhLin{}, d, x); }
};

struct SigmoidLin : UnaryLin<SigmoidLin, "sigmoid_lin"> {  // s (1 - s) d with s = sigmoid(x)
  Tensor eval(Values x) const override { return elementwise(Formula::sigmoid_lin, x); }
  // s (1 - s) (1 - 2 s) d, where 1 - 2 s = -tanh(x / 2)
  Var bend(const Var& d, const Var& x) const override { return neg(apply(*this, mul(d, tanh(scale(x, 0.5))), x)); }
};

struct Sigmoid : Unary<"sigmoid"> {
  Tensor eval(Values x) const override { return elementwise(Formula::sigmoid, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return apply(SigmoidLin{}, d, x); }
};

struct Softplus : Unary<"softplus"> {
  Tensor eval(Values x) const override { return elementwise(Formula::softplus, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return mul(d, sigmoid(x)); }
};

struct SiluLin : UnaryLin<SiluLin, "silu_lin"> {  // (s + x s (1 - s)) d with s = sigmoid(x)
  Tensor eval(Values x) const override { return elementwise(Formula::silu_lin, x); }
  // s (1 - s) (2 + x (1 - 2 s)) d
  Var bend(const Var& d, const Var& x) const override {
    return apply(SigmoidLin{}, mul(d, shift(neg(mul(x, tanh(scale(x, 0.5)))), 2)), x);
  }
};

struct Silu : Unary<"silu"> {
  Tensor eval(Values x) const override { return elementwise(Formula::silu, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return apply(SiluLin{}, d, x); }
};

struct GeluLin : UnaryLin<GeluLin, "gelu_lin"> {  // (Phi(x) + x phi(x)) d
  Tensor eval(Values x) const override { return elementwise(Formula::gelu_lin, x); }
  // phi(x) (2 - x^2) d
  Var bend(const Var& d, const Var& x) const override {
    return mul(mul(d, normal_density(x)), shift(neg(square(x)), 2));
  }
};

struct Gelu : Unary<"gelu"> {
  Tensor eval(Values x) const override { return elementwise(Formula::gelu, x); }
  Var along(const Var& x, const Var&, const Var& d) const override { return apply(GeluLin{}, d, x); }
};

// x above 0, alpha (e^x - 1) below; the side is frozen.
struct Elu : Unary<"elu"> {
  double alpha;
  explicit Elu(double a) : alpha(a) {}
  Tensor eval(Values x) const override { return elementwise(Formula::elu, x, alpha); }
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

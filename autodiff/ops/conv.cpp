#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/kernels/conv2d.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

using kernels::Conv2dSizes;

std::int64_t output_size(std::int64_t size, std::int64_t kernel, const Conv2dSpec& spec, std::size_t axis,
                         const char* where, const Shape& x, const Shape& weight) {
  const std::int64_t s = spec.stride[axis], p = spec.padding[axis], d = spec.dilation[axis];
  if (s < 1 || d < 1 || p < 0)
    fail<ValueError>("[{}] needs stride >= 1, dilation >= 1 and padding >= 0, got {}, {} and {}", where, s, d, p);
  if (kernel < 1) fail<ShapeError>("[{}] weight {} has an empty kernel", where, weight);
  const std::int64_t padded = checked_add(size, checked_mul(2, p));
  const std::int64_t reach = checked_add(checked_mul(d, kernel - 1), 1);
  if (reach > padded)
    fail<ShapeError>("[{}] weight {} with dilation {} spans {} pixels, more than the {} of x {} with padding {}", where,
                     weight, d, reach, padded, x, p);
  return (padded - reach) / s + 1;
}

// Everything that can be wrong with a convolution, said once for all three ops.
Conv2dSizes checked_sizes(const Shape& x, const Shape& weight, const Conv2dSpec& spec, const char* where) {
  if (x.rank() != 4 || weight.rank() != 4)
    fail<ShapeError>("[{}] needs x (N, C, H, W) and weight (O, C / groups, KH, KW), got {} and {}", where, x, weight);
  if (spec.groups < 1) fail<ValueError>("[{}] groups = {} must be at least 1", where, spec.groups);
  if (x[1] % spec.groups != 0 || weight[0] % spec.groups != 0)
    fail<ShapeError>("[{}] groups = {} must divide the {} input channels of x {} and the {} outputs of weight {}",
                     where, spec.groups, x[1], x, weight[0], weight);
  if (x[1] != checked_mul(weight[1], spec.groups))
    fail<ShapeError>("[{}] weight {} expects {} input channels, x has shape {}", where, weight, weight[1] * spec.groups,
                     x);
  Conv2dSizes z{x[0], x[1], x[2], x[3], weight[0], weight[2], weight[3]};
  z.OH = output_size(x[2], weight[2], spec, 0, where, x, weight);
  z.OW = output_size(x[3], weight[3], spec, 1, where, x, weight);
  z.padding = spec.padding;
  z.groups = spec.groups;
  const std::int64_t padded[] = {z.H + 2 * z.padding[0], z.W + 2 * z.padding[1]};
  checked_mul(checked_mul(z.C, padded[0]), checked_mul(padded[1], 1024));  // kernels count padded images, in lanes
  for (std::size_t i = 0; i < 2; ++i) {  // more than the padded image holds is one step out of it
    z.stride[i] = std::min(spec.stride[i], padded[i]);
    z.dilation[i] = std::min(spec.dilation[i], padded[i]);
  }
  return z;
}

void check_gradient(const Shape& gy, const Conv2dSizes& z, const Shape& x, const Shape& weight, const char* where) {
  if (gy != Shape{z.N, z.O, z.OH, z.OW})
    fail<ShapeError>("[{}] x {} and weight {} give an output {}, gy has shape {}", where, x, weight,
                     Shape{z.N, z.O, z.OH, z.OW}, gy);
}

// The three are each other's derivatives: <gy, conv2d(x, w)> = <conv2d_input(gy, w), x> = <conv2d_weight(x, gy), w>.
// With corners, so are they joined to the choice of one pixel of each 2 x 2 window of y.
struct Case {
  Conv2dSpec spec;
  Shape x_shape, w_shape;
  Tensor corners{};  // of kernels/conv2d.h, or empty

  Conv2dSizes sizes() const { return checked_sizes(x_shape, w_shape, spec, "conv2d"); }
  Shape y_shape() const {
    const Conv2dSizes z = sizes();
    const std::int64_t side = corners ? 2 : 1;
    return {z.N, z.O, z.OH / side, z.OW / side};
  }
  template <class T>
  kernels::Corners<T> chosen() const {
    return {corners ? corners.data<T>() : nullptr, nullptr};
  }

  Var output(const Var& x, const Var& weight) const;
  Var output(const Var& x, const Var& weight, const Var& bias) const;
  Var input(const Var& gy, const Var& weight) const;
  Var weight(const Var& x, const Var& gy) const;
};

// Each reads the factor whose partner wants a derivative, and no more, so the shapes of both are kept.
struct Convolution : Op {
  Case of;
  explicit Convolution(Case c) : of(std::move(c)) {}
  Reads reads(Wants w) const override { return Reads::other_factor(w); }
};

// x, weight and perhaps the bias (O,), added in the same pass, to y.
struct Output : Convolution {
  using Convolution::Convolution;

  template <class T>
  void run(Values x, T* y, kernels::Corners<T> corners) const {
    const T* bias = x.size() == 3 ? x[2].data<T>() : nullptr;
    kernels::conv2d<T>(of.sizes(), x[0].data<T>(), x[1].data<T>(), bias, y, corners);
  }
  Var jvp(In x, const Var&, In dx) const override {
    const Var of_x = dx[0] ? of.output(dx[0], x[1]) : Var();
    if (x.size() == 2 || !dx[2]) return plus(of_x, dx[1] ? of.output(x[0], dx[1]) : Var());
    if (dx[1]) return plus(of_x, of.output(x[0], dx[1], dx[2]));
    return plus(of_x, broadcast_to(reshape(dx[2], {1, dx[2].dim(0), 1, 1}), of.y_shape()));
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = of.input(gy, x[1]);
    if (w[1]) gx[1] = of.weight(x[0], gy);
    if (x.size() == 3 && w[2]) gx[2] = sum(gy, {0, 2, 3});
  }
};

struct Conv2d : Named<"conv2d", Output> {
  using Named::Named;

  Tensor eval(Values x) const override {
    Tensor y(of.y_shape(), x[0].dtype());
    visit_float(y.dtype(), name(), [&]<class T>() { run<T>(x, y.data<T>(), of.chosen<T>()); });
    return y;
  }
};

// The choice of the largest is made where the value is computed and frozen, so the rest is linear in x and in weight.
struct Conv2dMaxPool : Named<"conv2d_max_pool", Output> {
  using Named::Named;

  Tensor eval(Values x) const override {
    Tensor y(of.y_shape(), x[0].dtype()), corners = of.corners;
    visit_float(y.dtype(), name(), [&]<class T>() { run<T>(x, y.data<T>(), {nullptr, corners.data<T>()}); });
    return y;
  }
};

struct Conv2dInput : Named<"conv2d_input", Convolution> {
  using Named::Named;

  Tensor eval(Values x) const override {
    Tensor gx(of.x_shape, x[0].dtype());
    visit_float(gx.dtype(), name(), [&]<class T>() {
      kernels::conv2d_input<T>(of.sizes(), x[0].data<T>(), x[1].data<T>(), gx.data<T>(), of.chosen<T>());
    });
    return gx;
  }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? of.input(dx[0], x[1]) : Var(), dx[1] ? of.input(x[0], dx[1]) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = of.output(gy, x[1]);
    if (w[1]) gx[1] = of.weight(gy, x[0]);
  }
};

struct Conv2dWeight : Named<"conv2d_weight", Convolution> {
  using Named::Named;

  Tensor eval(Values x) const override {
    Tensor gw(of.w_shape, x[0].dtype());
    visit_float(gw.dtype(), name(), [&]<class T>() {
      kernels::conv2d_weight<T>(of.sizes(), x[0].data<T>(), x[1].data<T>(), gw.data<T>(), of.chosen<T>());
    });
    return gw;
  }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? of.weight(dx[0], x[1]) : Var(), dx[1] ? of.weight(x[0], dx[1]) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = of.input(x[1], gy);
    if (w[1]) gx[1] = of.output(x[0], gy);
  }
};

Var Case::output(const Var& x, const Var& weight) const { return apply(Conv2d(*this), x, weight); }
Var Case::output(const Var& x, const Var& weight, const Var& bias) const {
  return apply(Conv2d(*this), x, weight, bias);
}
Var Case::input(const Var& gy, const Var& weight) const { return apply(Conv2dInput(*this), gy, weight); }
Var Case::weight(const Var& x, const Var& gy) const { return apply(Conv2dWeight(*this), x, gy); }

void check_bias(const Var& x, const Var& weight, const Var& bias) {
  check_same_dtype("conv2d", x, bias);
  if (bias.shape() != Shape{weight.dim(0)})
    fail<ShapeError>("[conv2d] weight {} needs a bias of shape ({},), got {}", weight.shape(), weight.dim(0),
                     bias.shape());
}

}  // namespace

Var conv2d(const Var& x, const Var& weight, const Conv2dSpec& spec) {
  check_same_dtype("conv2d", x, weight);
  check_float("conv2d", x);
  checked_sizes(x.shape(), weight.shape(), spec, "conv2d");
  return Case{spec, x.shape(), weight.shape()}.output(x, weight);
}

Var conv2d(const Var& x, const Var& weight, const Var& bias, const Conv2dSpec& spec) {
  check_same_dtype("conv2d", x, weight);
  check_float("conv2d", x);
  checked_sizes(x.shape(), weight.shape(), spec, "conv2d");
  check_bias(x, weight, bias);
  return Case{spec, x.shape(), weight.shape()}.output(x, weight, bias);
}

Var conv2d_max_pool(const Var& x, const Var& weight, const Var& bias, const Conv2dSpec& spec) {
  check_same_dtype("conv2d", x, weight);
  check_float("conv2d", x);
  const Conv2dSizes z = checked_sizes(x.shape(), weight.shape(), spec, "conv2d");
  check_bias(x, weight, bias);
  const std::int64_t corners =
      visit_float(x.dtype(), "conv2d_max_pool", [&]<class T>() { return kernels::conv2d_corners<T>(z); });
  if (corners == 0) return max_pool2d(conv2d(x, weight, bias, spec));
  return apply(Conv2dMaxPool({spec, x.shape(), weight.shape(), Tensor({corners}, x.dtype())}), x, weight, bias);
}

Var conv2d_input(const Var& gy, const Var& weight, const Shape& x_shape, const Conv2dSpec& spec) {
  check_same_dtype("conv2d_input", gy, weight);
  check_float("conv2d_input", gy);
  const Conv2dSizes z = checked_sizes(x_shape, weight.shape(), spec, "conv2d_input");
  check_gradient(gy.shape(), z, x_shape, weight.shape(), "conv2d_input");
  return Case{spec, x_shape, weight.shape()}.input(gy, weight);
}

Var conv2d_weight(const Var& x, const Var& gy, const Shape& weight_shape, const Conv2dSpec& spec) {
  check_same_dtype("conv2d_weight", x, gy);
  check_float("conv2d_weight", x);
  const Conv2dSizes z = checked_sizes(x.shape(), weight_shape, spec, "conv2d_weight");
  check_gradient(gy.shape(), z, x.shape(), weight_shape, "conv2d_weight");
  return Case{spec, x.shape(), weight_shape}.weight(x, gy);
}

}  // namespace glocal

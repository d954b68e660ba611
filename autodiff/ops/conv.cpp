#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/core/kernels/conv2d.h>

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
  z.stride = spec.stride;
  z.padding = spec.padding;
  z.dilation = spec.dilation;
  z.groups = spec.groups;
  return z;
}

void check_gradient(const Shape& gy, const Conv2dSizes& z, const Shape& x, const Shape& weight, const char* where) {
  if (gy != Shape{z.N, z.O, z.OH, z.OW})
    fail<ShapeError>("[{}] x {} and weight {} give an output {}, gy has shape {}", where, x, weight,
                     Shape{z.N, z.O, z.OH, z.OW}, gy);
}

// The three are each other's derivatives: <gy, conv2d(x, w)> = <conv2d_input(gy, w), x> = <conv2d_weight(x, gy), w>.
// Each reads the factor whose partner wants a derivative, and no more, so the shapes of both are kept here.
struct Convolution : Op {
  Conv2dSpec spec;
  Shape x_shape, w_shape;
  Convolution(const Conv2dSpec& s, const Shape& x, const Shape& weight) : spec(s), x_shape(x), w_shape(weight) {}
  Reads reads(Wants w) const override { return Reads::other_factor(w); }
  Conv2dSizes sizes() const { return checked_sizes(x_shape, w_shape, spec, name()); }
};

// A third input is the bias (O,), added in the same pass.
struct Conv2d : Named<"conv2d", Convolution> {
  using Named::Named;

  Tensor eval(Values x) const override {
    const Conv2dSizes z = sizes();
    Tensor y({z.N, z.O, z.OH, z.OW}, x[0].dtype());
    visit_float(y.dtype(), name(), [&]<class T>() {
      const T* bias = x.size() == 3 ? x[2].data<T>() : nullptr;
      kernels::conv2d<T>(z, x[0].data<T>(), x[1].data<T>(), bias, y.data<T>());
    });
    return y;
  }
  Var jvp(In x, const Var&, In dx) const override {
    const Var of_x = dx[0] ? conv2d(dx[0], x[1], spec) : Var();
    if (x.size() == 2 || !dx[2]) return plus(of_x, dx[1] ? conv2d(x[0], dx[1], spec) : Var());
    if (dx[1]) return plus(of_x, conv2d(x[0], dx[1], dx[2], spec));
    const Conv2dSizes z = sizes();
    return plus(of_x, broadcast_to(reshape(dx[2], {1, z.O, 1, 1}), {z.N, z.O, z.OH, z.OW}));
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = conv2d_input(gy, x[1], x_shape, spec);
    if (w[1]) gx[1] = conv2d_weight(x[0], gy, w_shape, spec);
    if (x.size() == 3 && w[2]) gx[2] = sum(gy, {0, 2, 3});
  }
};

struct Conv2dInput : Named<"conv2d_input", Convolution> {
  using Named::Named;

  Tensor eval(Values x) const override {
    Tensor gx(x_shape, x[0].dtype());
    visit_float(gx.dtype(), name(),
                [&]<class T>() { kernels::conv2d_input<T>(sizes(), x[0].data<T>(), x[1].data<T>(), gx.data<T>()); });
    return gx;
  }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? conv2d_input(dx[0], x[1], x_shape, spec) : Var(),
                dx[1] ? conv2d_input(x[0], dx[1], x_shape, spec) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = conv2d(gy, x[1], spec);
    if (w[1]) gx[1] = conv2d_weight(gy, x[0], w_shape, spec);
  }
};

struct Conv2dWeight : Named<"conv2d_weight", Convolution> {
  using Named::Named;

  Tensor eval(Values x) const override {
    Tensor gw(w_shape, x[0].dtype());
    visit_float(gw.dtype(), name(),
                [&]<class T>() { kernels::conv2d_weight<T>(sizes(), x[0].data<T>(), x[1].data<T>(), gw.data<T>()); });
    return gw;
  }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? conv2d_weight(dx[0], x[1], w_shape, spec) : Var(),
                dx[1] ? conv2d_weight(x[0], dx[1], w_shape, spec) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = conv2d_input(x[1], gy, x_shape, spec);
    if (w[1]) gx[1] = conv2d(x[0], gy, spec);
  }
};

}  // namespace

Var conv2d(const Var& x, const Var& weight, const Conv2dSpec& spec) {
  check_same_dtype("conv2d", x, weight);
  check_float("conv2d", x);
  checked_sizes(x.shape(), weight.shape(), spec, "conv2d");
  return apply(Conv2d(spec, x.shape(), weight.shape()), x, weight);
}

Var conv2d(const Var& x, const Var& weight, const Var& bias, const Conv2dSpec& spec) {
  check_same_dtype("conv2d", x, weight);
  check_same_dtype("conv2d", x, bias);
  check_float("conv2d", x);
  checked_sizes(x.shape(), weight.shape(), spec, "conv2d");
  if (bias.shape() != Shape{weight.dim(0)})
    fail<ShapeError>("[conv2d] weight {} needs a bias of shape ({},), got {}", weight.shape(), weight.dim(0),
                     bias.shape());
  return apply(Conv2d(spec, x.shape(), weight.shape()), x, weight, bias);
}

Var conv2d_input(const Var& gy, const Var& weight, const Shape& x_shape, const Conv2dSpec& spec) {
  check_same_dtype("conv2d_input", gy, weight);
  check_float("conv2d_input", gy);
  const Conv2dSizes z = checked_sizes(x_shape, weight.shape(), spec, "conv2d_input");
  check_gradient(gy.shape(), z, x_shape, weight.shape(), "conv2d_input");
  return apply(Conv2dInput(spec, x_shape, weight.shape()), gy, weight);
}

Var conv2d_weight(const Var& x, const Var& gy, const Shape& weight_shape, const Conv2dSpec& spec) {
  check_same_dtype("conv2d_weight", x, gy);
  check_float("conv2d_weight", x);
  const Conv2dSizes z = checked_sizes(x.shape(), weight_shape, spec, "conv2d_weight");
  check_gradient(gy.shape(), z, x.shape(), weight_shape, "conv2d_weight");
  return apply(Conv2dWeight(spec, x.shape(), weight_shape), x, gy);
}

}  // namespace glocal

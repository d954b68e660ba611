// Numbers per channel against (N, C, ...), without repeating them first.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include <glocal/autodiff/fused.h>
#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/kernels/normalize.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

// (C,) -> (1, C, 1, ...) of the rank of x.
Shape per_channel(const Shape& x) {
  Shape shape{1, x[1]};
  for (int axis = 2; axis < x.rank(); ++axis) shape = shape.append(1);
  return shape;
}

// shift + scale x with scale 1 when it is not given, or its relu: the normalisation with mean 0 and variance 1.
Tensor affine(const Tensor& x, const Tensor* scale, const Tensor& shift, bool relu) {
  Tensor y(x.shape(), x.dtype());
  if (x.size() == 0) return y;
  const std::int64_t C = x.shape()[1];
  Tensor moments = Tensor::zeros({4, C}, x.dtype());
  visit_float(y.dtype(), "channel_affine", [&]<class T>() {
    T* r = moments.data<T>() + 2 * C;
    std::fill_n(r, C, T(1));
    kernels::normalize<T>({x.shape()[0], C, x.shape().product(2, x.rank())}, x.data<T>(), {moments.data<T>(), C},
                          shift.data<T>(), scale ? scale->data<T>() : r, relu, y.data<T>());
  });
  return y;
}

// y = x + b: (x, b) -> the shape of x.
struct AddBias : Primitive<"add_bias"> {
  Shape shape;
  explicit AddBias(const Shape& s) : shape(s) {}
  Reads reads(Wants) const override { return Reads::nothing(); }
  Tensor eval(Values x) const override { return affine(x[0], nullptr, x[1], false); }
  Var jvp(In, const Var&, In dx) const override {
    if (dx[0] && dx[1]) return add_bias(dx[0], dx[1]);
    return dx[0] ? dx[0] : broadcast_to(reshape(dx[1], per_channel(shape)), shape);
  }
  void vjp(In, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = gy;
    if (w[1]) gx[1] = reshape(sum_to(gy, per_channel(shape)), {shape[1]});
  }
};

// y = scale x + shift, or its relu: (x, scale, shift) -> the shape of x.
struct ChannelAffine : Fused {
  bool with_relu;
  explicit ChannelAffine(bool r) : with_relu(r) {}
  const char* name() const override { return "channel_affine"; }
  Vars eval(std::span<Var> x) const override { return {affine(x[0].value(), &x[1].value(), x[2].value(), with_relu)}; }
  Vars composed(In x) const override {
    const Var y = add_bias(mul(x[0], reshape(x[1], per_channel(x[0].shape()))), x[2]);
    return {with_relu ? relu(y) : y};
  }
};

void check_per_channel(const char* where, const Var& x, const Var& v) {
  check_float(where, x);
  check_same_dtype(where, x, v);
  if (x.rank() < 2 || v.shape() != Shape{x.dim(1)})
    fail<ShapeError>("[{}] needs x (N, C, ...) and numbers (C,), got {} and {}", where, x.shape(), v.shape());
}

}  // namespace

Var add_bias(const Var& x, const Var& b) {
  check_per_channel("add_bias", x, b);
  return apply(AddBias(x.shape()), x, b);
}

Var channel_affine(const Var& x, const Var& scale, const Var& shift, bool relu) {
  check_per_channel("channel_affine", x, scale);
  check_per_channel("channel_affine", x, shift);
  return call(std::make_shared<const ChannelAffine>(relu), {x, scale, shift})[0];
}

}  // namespace glocal

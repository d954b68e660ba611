#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/autodiff/ops/index.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/kernels/pool.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

using kernels::Pool2dSizes;

Pool2dSizes checked_sizes(const Shape& x, const PoolSpec& spec, const char* where) {
  if (x.rank() != 4) fail<ShapeError>("[{}] needs x (N, C, H, W), got {}", where, x);
  std::array<std::int64_t, 2> out{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t k = spec.kernel[axis], s = spec.stride[axis], p = spec.padding[axis];
    if (k < 1 || s < 1 || p < 0 || p >= k)
      fail<ValueError>("[{}] needs kernel >= 1, stride >= 1 and 0 <= padding < kernel, got {}, {} and {}", where, k, s,
                       p);
    const std::int64_t padded = checked_add(x[2 + static_cast<int>(axis)], checked_mul(2, p));
    if (k > padded) fail<ShapeError>("[{}] a window of {} pixels is larger than x {} with padding {}", where, k, x, p);
    out[axis] = (padded - k) / s + 1;
    // An image without pixels has no window that meets it.
    if (x[2 + static_cast<int>(axis)] == 0) fail<ShapeError>("[{}] x {} has images without pixels", where, x);
  }
  return {x[0] * x[1], x[2], x[3], out[0], out[1], spec.kernel, spec.stride, spec.padding};
}

Shape output_shape(const Shape& x, const Pool2dSizes& z) { return {x[0], x[1], z.OH, z.OW}; }

// The choice of the largest is made where the value is computed and frozen, so the rest is linear: take and put.
struct MaxPool2d : Primitive<"max_pool2d"> {
  Pool2dSizes sizes;
  Shape shape;           // of x
  mutable Tensor index;  // set by eval, before any rule can ask
  MaxPool2d(const Pool2dSizes& z, const Shape& x) : sizes(z), shape(x), index(output_shape(x, z), DType::i32) {}
  Reads reads(Wants) const override { return Reads::nothing(); }

  Tensor eval(Values x) const override {
    Tensor y(index.shape(), x[0].dtype());
    visit_float(y.dtype(), name(), [&]<class T>() {
      kernels::max_pool2d<T>(sizes, x[0].data<T>(), y.data<T>(), index.data<std::int32_t>());
    });
    return y;
  }
  Var jvp(In, const Var&, In dx) const override { return take_planes(dx[0], index, planes()); }
  void vjp(In, const Var&, const Var& gy, Wants, Out gx) const override {
    gx[0] = put_planes(gy, index, shape, planes());
  }

 private:
  std::int64_t planes() const { return std::max<std::int64_t>(1, sizes.images); }
};

// Linear, and the adjoint of AvgPool2dInput.
struct AvgPool2d : Primitive<"avg_pool2d"> {
  PoolSpec spec;
  Shape shape;  // of x
  AvgPool2d(const PoolSpec& s, const Shape& x_shape) : spec(s), shape(x_shape) {}
  Reads reads(Wants) const override { return Reads::nothing(); }

  Tensor eval(Values x) const override {
    const Pool2dSizes z = checked_sizes(shape, spec, name());
    Tensor y(output_shape(shape, z), x[0].dtype());
    visit_float(y.dtype(), name(), [&]<class T>() { kernels::avg_pool2d<T>(z, x[0].data<T>(), y.data<T>()); });
    return y;
  }
  Var jvp(In, const Var&, In dx) const override { return avg_pool2d(dx[0], spec); }
  void vjp(In, const Var&, const Var& gy, Wants, Out gx) const override { gx[0] = avg_pool2d_input(gy, shape, spec); }
};

struct AvgPool2dInput : Primitive<"avg_pool2d_input"> {
  PoolSpec spec;
  Shape shape;
  AvgPool2dInput(const PoolSpec& s, const Shape& x_shape) : spec(s), shape(x_shape) {}
  Reads reads(Wants) const override { return Reads::nothing(); }

  Tensor eval(Values x) const override {
    const Pool2dSizes z = checked_sizes(shape, spec, name());
    Tensor gx(shape, x[0].dtype());
    visit_float(gx.dtype(), name(), [&]<class T>() { kernels::avg_pool2d_input<T>(z, x[0].data<T>(), gx.data<T>()); });
    return gx;
  }
  Var jvp(In, const Var&, In dx) const override { return avg_pool2d_input(dx[0], shape, spec); }
  void vjp(In, const Var&, const Var& gy, Wants, Out gx) const override { gx[0] = avg_pool2d(gy, spec); }
};

}  // namespace

Var max_pool2d(const Var& x, const PoolSpec& spec) {
  const Pool2dSizes z = checked_sizes(x.shape(), spec, "max_pool2d");
  if (x.size() > std::numeric_limits<std::int32_t>::max())
    fail<ShapeError>("[max_pool2d] x {} has more than 2^31-1 numbers; use smaller batches", x.shape());
  check_float("max_pool2d", x);
  return apply(MaxPool2d(z, x.shape()), x);
}

Var avg_pool2d(const Var& x, const PoolSpec& spec) {
  check_float("avg_pool2d", x);
  checked_sizes(x.shape(), spec, "avg_pool2d");
  return apply(AvgPool2d(spec, x.shape()), x);
}

Var avg_pool2d_input(const Var& gy, const Shape& x_shape, const PoolSpec& spec) {
  check_float("avg_pool2d_input", gy);
  const Shape expected = output_shape(x_shape, checked_sizes(x_shape, spec, "avg_pool2d_input"));
  if (gy.shape() != expected)
    fail<ShapeError>("[avg_pool2d_input] x {} gives an output {}, gy has shape {}", x_shape, expected, gy.shape());
  return apply(AvgPool2dInput(spec, x_shape), gy);
}

Var global_avg_pool(const Var& x) {
  if (x.rank() != 4 || x.dim(2) * x.dim(3) == 0)
    fail<ShapeError>("[global_avg_pool] needs x (N, C, H, W) with H, W > 0, got {}", x.shape());
  return mean(x, {2, 3});
}

}  // namespace glocal

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/core/kernels/normalize.h>

namespace glocal {
namespace {

using kernels::ChannelLayout;

// All on numbers laid out (A, C, B), with one statistic per c: see kernels/normalize.h.
Var inverse_stddev(const Var& x, const ChannelLayout& layout, double eps, const Tensor& known = {});
Var normalize_lin(const Var& d, const Var& y, const Var& r, const ChannelLayout& layout);
Var channel_dot(const Var& a, const Var& b, const ChannelLayout& layout);
Var channel_mul(const Var& a, const Var& s, const ChannelLayout& layout);

// y = (x - mean) r, r = 1 / sqrt(var + eps): dy = r (dx - mean(dx) - y mean(y dx)), a symmetric map.
struct Normalize : Primitive<"normalize"> {
  ChannelLayout layout;
  double eps;
  mutable Tensor r;  // left here by eval for the rules, which would need another pass over x
  Normalize(const ChannelLayout& l, double e) : layout(l), eps(e) {}

  Tensor eval(std::span<const Tensor> x) const override {
    Tensor y(x[0].shape(), x[0].dtype()), stddev({layout.C}, x[0].dtype());
    visit_float(y.dtype(), name(),
                [&]<class T>() { kernels::normalize<T>(layout, x[0].data<T>(), eps, y.data<T>(), stddev.data<T>()); });
    r = stddev;
    return y;
  }
  Var jvp(In x, const Var& y, In dx) const override {
    return normalize_lin(dx[0], y, inverse_stddev(x[0], layout, eps, r), layout);
  }
  void vjp(In x, const Var& y, const Var& gy, Wants, Out gx) const override {
    gx[0] = normalize_lin(gy, y, inverse_stddev(x[0], layout, eps, r), layout);
  }
};

// r of the channel: dr = -r^2 mean(y dx).
struct InverseStddev : Primitive<"inverse_stddev"> {
  ChannelLayout layout;
  double eps;
  Tensor known;
  InverseStddev(const ChannelLayout& l, double e, const Tensor& value) : layout(l), eps(e), known(value) {}

  Tensor eval(std::span<const Tensor> x) const override {
    if (known) return known;
    Tensor r({layout.C}, x[0].dtype());
    visit_float(r.dtype(), name(), [&]<class T>() {
      kernels::normalize<T>(layout, x[0].data<T>(), eps, static_cast<T*>(nullptr), r.data<T>());
    });
    return r;
  }
  Var y(In x) const { return apply(Normalize(layout, eps), x[0]); }
  Var slope(const Var& r) const { return scale(square(r), -1 / static_cast<double>(layout.count())); }
  Var jvp(In x, const Var& r, In dx) const override { return mul(slope(r), channel_dot(y(x), dx[0], layout)); }
  void vjp(In x, const Var& r, const Var& gr, Wants, Out gx) const override {
    gx[0] = channel_mul(y(x), mul(slope(r), gr), layout);
  }
};

// z(d, y, r) = r (d - mean(d) - y mean(y d)): linear and self-adjoint in d, linear in r, quadratic in y.
struct NormalizeLin : Primitive<"normalize_lin"> {
  ChannelLayout layout;
  explicit NormalizeLin(const ChannelLayout& l) : layout(l) {}

  Tensor eval(std::span<const Tensor> x) const override {
    Tensor z(x[0].shape(), x[0].dtype());
    visit_float(z.dtype(), name(), [&]<class T>() {
      kernels::normalize_lin<T>(layout, x[0].data<T>(), x[1].data<T>(), x[2].data<T>(), z.data<T>());
    });
    return z;
  }
  // a mean(y d) + b mean(y a), times -r.
  Var along_y(In x, const Var& a, const Var& b, const Var& ya) const {
    const Var factor = scale(x[2], -1 / static_cast<double>(layout.count()));
    return add(channel_mul(a, mul(factor, channel_dot(x[1], x[0], layout)), layout),
               channel_mul(b, mul(factor, ya), layout));
  }
  Var jvp(In x, const Var& z, In dx) const override {
    const Var &d = x[0], &y = x[1], &r = x[2], &dy = dx[1];
    const Var by_d = dx[0] ? normalize_lin(dx[0], y, r, layout) : Var();
    const Var by_y = dy ? along_y(x, dy, y, channel_dot(dy, d, layout)) : Var();
    const Var by_r = dx[2] ? channel_mul(z, div(dx[2], r), layout) : Var();
    return plus(plus(by_d, by_y), by_r);
  }
  void vjp(In x, const Var& z, const Var& gz, Wants w, Out gx) const override {
    const Var &d = x[0], &y = x[1], &r = x[2];
    if (w[0]) gx[0] = normalize_lin(gz, y, r, layout);
    if (w[1]) gx[1] = along_y(x, gz, d, channel_dot(y, gz, layout));
    if (w[2]) gx[2] = div(channel_dot(gz, z, layout), r);
  }
};

// sum of a b per channel -> (C,), and its adjoint.
struct ChannelDot : Primitive<"channel_dot"> {
  ChannelLayout layout;
  explicit ChannelDot(const ChannelLayout& l) : layout(l) {}

  Tensor eval(std::span<const Tensor> x) const override {
    Tensor s({layout.C}, x[0].dtype());
    visit_float(s.dtype(), name(),
                [&]<class T>() { kernels::channel_dot<T>(layout, x[0].data<T>(), x[1].data<T>(), s.data<T>()); });
    return s;
  }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? channel_dot(dx[0], x[1], layout) : Var(), dx[1] ? channel_dot(x[0], dx[1], layout) : Var());
  }
  void vjp(In x, const Var&, const Var& gs, Wants w, Out gx) const override {
    if (w[0]) gx[0] = channel_mul(x[1], gs, layout);
    if (w[1]) gx[1] = channel_mul(x[0], gs, layout);
  }
};

struct ChannelMul : Primitive<"channel_mul"> {
  ChannelLayout layout;
  explicit ChannelMul(const ChannelLayout& l) : layout(l) {}

  Tensor eval(std::span<const Tensor> x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_float(y.dtype(), name(),
                [&]<class T>() { kernels::channel_mul<T>(layout, x[0].data<T>(), x[1].data<T>(), y.data<T>()); });
    return y;
  }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? channel_mul(dx[0], x[1], layout) : Var(), dx[1] ? channel_mul(x[0], dx[1], layout) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = channel_mul(gy, x[1], layout);
    if (w[1]) gx[1] = channel_dot(gy, x[0], layout);
  }
};

Var inverse_stddev(const Var& x, const ChannelLayout& layout, double eps, const Tensor& known) {
  return apply(InverseStddev(layout, eps, known), x);
}
Var normalize_lin(const Var& d, const Var& y, const Var& r, const ChannelLayout& layout) {
  return apply(NormalizeLin(layout), d, y, r);
}
Var channel_dot(const Var& a, const Var& b, const ChannelLayout& layout) { return apply(ChannelDot(layout), a, b); }
Var channel_mul(const Var& a, const Var& s, const ChannelLayout& layout) { return apply(ChannelMul(layout), a, s); }

// Whether each axis is reduced.
std::array<bool, Shape::max_rank> reduced_axes(const Shape& shape, const Axes& axes) {
  std::array<bool, Shape::max_rank> reduced{};
  for (int axis : axes) {
    bool& mark = reduced[static_cast<std::size_t>(shape.axis(axis, "normalize"))];
    if (mark) fail<ShapeError>("[normalize] axis {} is named twice for shape {}", axis, shape);
    mark = true;
  }
  if (axes.empty()) reduced.fill(true);
  return reduced;
}

}  // namespace

Var normalize(const Var& x, const Axes& axes, double eps) {
  const Shape& shape = x.shape();
  if (!(eps >= 0 && std::isfinite(eps))) fail<ValueError>("[normalize] eps = {} must be finite and not negative", eps);
  check_float("normalize", x);
  const auto reduced = reduced_axes(shape, axes);
  if (x.size() == 0) return x;
  const auto kept = [&](int axis) { return !reduced[static_cast<std::size_t>(axis)]; };

  // The kept axes, first to last; when they are neighbours the numbers already lie as (A, C, B).
  int first = 0, last = shape.rank();
  while (first < last && !kept(first)) ++first;
  while (last > first && !kept(last - 1)) --last;
  bool neighbours = true;
  for (int axis = first; axis < last; ++axis) neighbours = neighbours && kept(axis);
  if (!neighbours) {
    Axes order, back(static_cast<std::size_t>(shape.rank()));
    for (bool wanted : {true, false})
      for (int axis = 0; axis < shape.rank(); ++axis)
        if (kept(axis) == wanted) {
          back[static_cast<std::size_t>(axis)] = static_cast<int>(order.size());
          order.push_back(axis);
        }
    Axes trailing;
    for (int axis = 0; axis < shape.rank(); ++axis)
      if (!kept(order[static_cast<std::size_t>(axis)])) trailing.push_back(axis);
    return permute(normalize(permute(x, order), trailing, eps), back);
  }
  // Nothing is kept: everything is one channel.
  if (first == last) first = last = 0;
  const ChannelLayout layout{shape.product(0, first), shape.product(first, last), shape.product(last, shape.rank())};
  return apply(Normalize(layout, eps), x);
}

}  // namespace glocal

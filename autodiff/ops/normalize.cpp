// Per channel, u = (x - mean) r with r = 1 / sqrt(var + eps) is the gradient of n sqrt(var + eps). So all derivatives
// of u are symmetric: P d (second derivative of that potential), H(d, e) (third), ..., and so are their sums against
// further directions. The numbers of the statistics travel inside the ops; derivatives flow through x.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/kernels/normalize.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

using kernels::ChannelLayout;

// What every op of the family knows: see kernels/normalize.h.
struct Family {
  ChannelLayout layout;
  double eps;
  Tensor moments;  // (4, C): filled by the op that is `first` to see x
  Tensor gate;     // (2, C): shift and scale whose sign decides what relu leaves; empty without relu

  Family open() const { return {layout, eps, moments, {}}; }
  double n() const { return static_cast<double>(layout.count()); }
  template <class T>
  kernels::Moments<T> statistics() const {
    return {moments.data<T>(), layout.C};
  }
  template <class T>
  kernels::Gate<T> gate_of() const {
    return gate ? kernels::Gate<T>{gate.data<T>(), gate.data<T>() + layout.C} : kernels::Gate<T>{};
  }
};

Var affine(const Family& f, const Var& x, const Var& p);
Var gated(const Family& f, const Var& d, const Var& x);
Var sums(const Family& f, const Var& d, const Var& x, const Tensor& known = {});
Var lin(const Family& f, const Var& d, const Var& x, const Var& w, const Tensor& sums = {});
Var form(const Family& f, const Var& d, const Var& e, const Var& x);
Var bend(const Family& f, const Var& d, const Var& e, const Var& x, const Var& w);
Var fourth(const Family& f, const Var& d, const Var& e, const Var& g, const Var& x, const Var& w);

// Coefficients are (2, C): row 0 goes with 1, row 1 with u.
Var row(const Var& p, std::int64_t i) { return reshape(slice(p, 0, i, i + 1), {p.dim(1)}); }
Var as_row(const Var& v, std::int64_t i) { return pad(reshape(v, {1, v.size()}), 0, i, 1 - i); }

// (C,): sum of a b per channel.
Var total(const ChannelLayout& z, const Var& a, const Var& b) {
  return sum(reshape(mul(a, b), {z.A, z.C, z.B}), {0, 2});
}

// y = shift + scale u, or its relu: (x, p) -> the shape of x.
struct Normalize : Primitive<"normalize"> {
  Family f;
  bool first;  // eval measures x
  Normalize(const Family& family, bool measure) : f(family), first(measure) {}

  Reads reads(Wants) const override { return Reads::only_inputs(); }
  bool quick() const override { return true; }
  Tensor again(Values x) const override { return Normalize(f, false).eval(x); }
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype()), moments = f.moments;
    visit_float(y.dtype(), name(), [&]<class T>() {
      if (first) kernels::channel_moments<T>(f.layout, x[0].data<T>(), f.eps, moments.data<T>());
      const T* p = x[1].data<T>();
      kernels::normalize<T>(f.layout, x[0].data<T>(), f.statistics<T>(), p, p + f.layout.C, bool(f.gate), y.data<T>());
    });
    return y;
  }
  Var jvp(In x, const Var&, In dx) const override {
    const Var by_x = dx[0] ? lin(f.open(), dx[0], x[0], row(x[1], 1)) : Var();
    const Var by_p = dx[1] ? affine(f.open(), x[0], dx[1]) : Var();
    return gated(f, plus(by_x, by_p), x[0]);
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    const Tensor found({2, f.layout.C}, gy.dtype());
    if (w[0]) gx[0] = lin(f, gy, x[0], row(x[1], 1), found);
    if (w[1]) gx[1] = sums(f, gy, x[0], w[0] ? found : Tensor());
  }
};

// Rows sum d and sum d u, with d behind the gate: (d, x) -> (2, C).
struct NormalizeSums : Primitive<"normalize_sums"> {
  Family f;
  Tensor known;  // the sums of these very numbers, or empty
  NormalizeSums(const Family& family, const Tensor& value) : f(family), known(value) {}

  Reads reads(Wants) const override { return Reads::only_inputs(); }
  Tensor eval(Values x) const override {
    if (known) return known;
    Tensor s({2, f.layout.C}, x[0].dtype());
    visit_float(s.dtype(), name(), [&]<class T>() {
      kernels::normalize_sums<T>(f.layout, x[0].data<T>(), x[1].data<T>(), f.statistics<T>(), f.gate_of<T>(),
                                 s.data<T>());
    });
    return s;
  }
  Var jvp(In x, const Var&, In dx) const override {
    const Var by_d = dx[0] ? sums(f, dx[0], x[1]) : Var();
    const Var by_x = dx[1] ? as_row(form(f, gated(f, x[0], x[1]), dx[1], x[1]), 1) : Var();
    return plus(by_d, by_x);
  }
  void vjp(In x, const Var&, const Var& gs, Wants w, Out gx) const override {
    if (w[0]) gx[0] = gated(f, affine(f.open(), x[1], gs), x[1]);
    if (w[1]) gx[1] = lin(f, x[0], x[1], row(gs, 1));
  }
};

// z = w P d with d behind the gate: (d, x, w) -> the shape of x.
struct NormalizeLin : Primitive<"normalize_lin"> {
  Family f;
  Tensor sums;  // (2, C): eval leaves here what it sums up on the way
  NormalizeLin(const Family& family, const Tensor& s) : f(family), sums(s) {}

  Reads reads(Wants) const override { return Reads::only_inputs(); }
  Tensor eval(Values x) const override {
    Tensor z(x[0].shape(), x[0].dtype()), found = sums ? sums : Tensor({2, f.layout.C}, x[0].dtype());
    visit_float(z.dtype(), name(), [&]<class T>() {
      kernels::normalize_lin<T>(f.layout, x[0].data<T>(), x[1].data<T>(), f.statistics<T>(), f.gate_of<T>(),
                                x[2].data<T>(), z.data<T>(), found.data<T>());
    });
    return z;
  }
  Var jvp(In x, const Var&, In dx) const override {
    const Var by_d = dx[0] ? lin(f, dx[0], x[1], x[2]) : Var();
    const Var by_x = dx[1] ? bend(f, gated(f, x[0], x[1]), dx[1], x[1], x[2]) : Var();
    const Var by_w = dx[2] ? lin(f, x[0], x[1], dx[2]) : Var();
    return plus(plus(by_d, by_x), by_w);
  }
  void vjp(In x, const Var&, const Var& gz, Wants w, Out gx) const override {
    if (w[0]) gx[0] = gated(f, lin(f.open(), gz, x[1], x[2]), x[1]);
    if (!w[1] && !w[2]) return;
    const Var d = gated(f, x[0], x[1]);
    if (w[1]) gx[1] = bend(f, d, gz, x[1], x[2]);
    if (w[2]) gx[2] = form(f, d, gz, x[1]);
  }
};

// d where relu leaves it, with the choice frozen: (d, x) -> the shape of x.
struct NormalizeGate : Primitive<"normalize_gate"> {
  Family f;
  explicit NormalizeGate(const Family& family) : f(family) {}

  Reads reads(Wants) const override { return Reads::input(1); }
  Tensor eval(Values x) const override {
    Tensor z(x[0].shape(), x[0].dtype());
    visit_float(z.dtype(), name(), [&]<class T>() {
      kernels::normalize_gate<T>(f.layout, x[0].data<T>(), x[1].data<T>(), f.statistics<T>(), f.gate_of<T>(),
                                 z.data<T>());
    });
    return z;
  }
  Var jvp(In x, const Var&, In dx) const override { return dx[0] ? gated(f, dx[0], x[1]) : Var(); }
  void vjp(In x, const Var&, const Var& gz, Wants w, Out gx) const override {
    if (w[0]) gx[0] = gated(f, gz, x[1]);
  }
};

// q = sum of d P e per channel: (d, e, x) -> (C,).
struct NormalizeForm : Primitive<"normalize_form"> {
  Family f;
  explicit NormalizeForm(const Family& family) : f(family) {}

  Reads reads(Wants) const override { return Reads::only_inputs(); }
  Tensor eval(Values x) const override {
    Tensor q({f.layout.C}, x[0].dtype());
    visit_float(q.dtype(), name(), [&]<class T>() {
      kernels::normalize_form<T>(f.layout, x[0].data<T>(), x[1].data<T>(), x[2].data<T>(), f.statistics<T>(),
                                 q.data<T>());
    });
    return q;
  }
  Var jvp(In x, const Var& q, In dx) const override {
    const Var by_d = dx[0] ? form(f, dx[0], x[1], x[2]) : Var(), by_e = dx[1] ? form(f, x[0], dx[1], x[2]) : Var();
    const Var by_x = dx[2] ? total(f.layout, dx[2], bend(f, x[0], x[1], x[2], ones_like(q))) : Var();
    return plus(plus(by_d, by_e), by_x);
  }
  void vjp(In x, const Var&, const Var& gq, Wants w, Out gx) const override {
    if (w[0]) gx[0] = lin(f, x[1], x[2], gq);
    if (w[1]) gx[1] = lin(f, x[0], x[2], gq);
    if (w[2]) gx[2] = bend(f, x[0], x[1], x[2], gq);
  }
};

// z = w H(d, e): (d, e, x, w) -> the shape of x.
struct NormalizeBend : Primitive<"normalize_bend"> {
  Family f;
  explicit NormalizeBend(const Family& family) : f(family) {}

  Reads reads(Wants) const override { return Reads::only_inputs(); }
  Tensor eval(Values x) const override {
    Tensor z(x[0].shape(), x[0].dtype());
    visit_float(z.dtype(), name(), [&]<class T>() {
      kernels::normalize_bend<T>(f.layout, x[0].data<T>(), x[1].data<T>(), x[2].data<T>(), f.statistics<T>(),
                                 x[3].data<T>(), z.data<T>());
    });
    return z;
  }
  Var jvp(In x, const Var&, In dx) const override {
    const Var by_d = dx[0] ? bend(f, dx[0], x[1], x[2], x[3]) : Var();
    const Var by_e = dx[1] ? bend(f, x[0], dx[1], x[2], x[3]) : Var();
    const Var by_x = dx[2] ? fourth(f, x[0], x[1], dx[2], x[2], x[3]) : Var();
    const Var by_w = dx[3] ? bend(f, x[0], x[1], x[2], dx[3]) : Var();
    return plus(plus(by_d, by_e), plus(by_x, by_w));
  }
  void vjp(In x, const Var&, const Var& gz, Wants w, Out gx) const override {
    if (w[0]) gx[0] = bend(f, gz, x[1], x[2], x[3]);
    if (w[1]) gx[1] = bend(f, x[0], gz, x[2], x[3]);
    if (w[2]) gx[2] = fourth(f, x[0], x[1], gz, x[2], x[3]);
    if (w[3]) gx[3] = total(f.layout, gz, bend(f, x[0], x[1], x[2], ones_like(x[3])));
  }
};

// Rows mean and biased variance: x -> (2, C). dvar = 2 mean((x - mean) dx).
struct ChannelMoments : Primitive<"channel_moments"> {
  Family f;
  explicit ChannelMoments(const Family& family) : f(family) {}

  Tensor eval(Values) const override {
    const std::int64_t C = f.layout.C;
    Tensor y({2, C}, f.moments.dtype());
    visit_float(y.dtype(), name(), [&]<class T>() {
      std::copy_n(f.statistics<T>().high, C, y.data<T>());
      std::copy_n(f.statistics<T>().variance, C, y.data<T>() + C);
    });
    return y;
  }
  // Of (sum dx, sum dx u) these make (dmean, dvar).
  Var factors(const Var& y) const {
    const Tensor by_mean = Tensor::full({1, f.layout.C}, 1 / f.n(), y.dtype());
    return concat({by_mean, scale(sqrt(shift(slice(y, 0, 1, 2), f.eps)), 2 / f.n())}, 0);
  }
  Var jvp(In x, const Var& y, In dx) const override { return mul(sums(f, dx[0], x[0]), factors(y)); }
  void vjp(In x, const Var& y, const Var& gy, Wants, Out gx) const override {
    gx[0] = affine(f, x[0], mul(gy, factors(y)));
  }
};

Var affine(const Family& f, const Var& x, const Var& p) { return apply(Normalize(f, false), x, p); }
Var gated(const Family& f, const Var& d, const Var& x) {
  return f.gate ? apply(NormalizeGate(f), d, stop_gradient(x)) : d;
}
Var sums(const Family& f, const Var& d, const Var& x, const Tensor& known) {
  return apply(NormalizeSums(f, known), d, x);
}
Var lin(const Family& f, const Var& d, const Var& x, const Var& w, const Tensor& sums) {
  return apply(NormalizeLin(f, sums), d, x, w);
}
Var form(const Family& f, const Var& d, const Var& e, const Var& x) { return apply(NormalizeForm(f.open()), d, e, x); }
Var bend(const Family& f, const Var& d, const Var& e, const Var& x, const Var& w) {
  return apply(NormalizeBend(f.open()), d, e, x, w);
}

// The derivative of w H(d, e) along g, from that of -r (mean(u e) P d + mean(u d) P e + mean(d P e) u).
Var fourth(const Family& family, const Var& d, const Var& e, const Var& g, const Var& x, const Var& w) {
  const Family f = family.open();
  const Var variance = row(apply(ChannelMoments(f), x), 1);
  const Var factor = mul(w, scale(rsqrt(shift(variance, f.eps)), -1 / f.n()));
  const auto slope = [&](const Var& v) { return mul(factor, row(sums(f, v, x), 1)); };
  const Var H = bend(f, d, e, x, slope(g));
  const Var squares = add(add(lin(f, d, x, mul(factor, form(f, e, g, x))), lin(f, e, x, mul(factor, form(f, d, g, x)))),
                          lin(f, g, x, mul(factor, form(f, d, e, x))));
  const Var cubes = add(add(bend(f, d, g, x, slope(e)), bend(f, e, g, x, slope(d))), H);
  const Var along_u = mul(factor, total(f.layout, g, bend(f, d, e, x, ones_like(w))));
  return add(add(squares, cubes), affine(f, x, as_row(along_u, 1)));
}

Family new_family(const ChannelLayout& layout, double eps, DType dtype) {
  return {layout, eps, Tensor({4, layout.C}, dtype), {}};
}

void check_eps(const char* where, double eps) {
  if (!(eps >= 0 && std::isfinite(eps))) fail<ValueError>("[{}] eps = {} must be finite and not negative", where, eps);
}

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
  check_eps("normalize", eps);
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
  const Var p = concat({Tensor::zeros({1, layout.C}, x.dtype()), Tensor::ones({1, layout.C}, x.dtype())}, 0);
  return apply(Normalize(new_family(layout, eps, x.dtype()), true), x, p);
}

BatchNormed batch_norm(const Var& x, const Var& weight, const Var& bias, double eps, bool relu) {
  check_eps("batch_norm", eps);
  check_float("batch_norm", x);
  if (x.rank() < 2 || x.size() == 0)
    fail<ShapeError>("[batch_norm] needs x (N, C, ...) with numbers in it, got {}", x.shape());
  for (const Var& v : {weight, bias}) {
    check_same_dtype("batch_norm", x, v);
    if (v.shape() != Shape{x.dim(1)})
      fail<ShapeError>("[batch_norm] x {} needs weight and bias of shape ({},), got {}", x.shape(), x.dim(1),
                       v.shape());
  }
  const std::int64_t C = x.dim(1);
  const Var p = concat({reshape(bias, {1, C}), reshape(weight, {1, C})}, 0);
  Family f = new_family({x.dim(0), C, x.shape().product(2, x.rank())}, eps, x.dtype());
  const Family plain = f;
  if (relu) f.gate = p.value();
  const Var y = apply(Normalize(f, true), x, p), moments = apply(ChannelMoments(plain), x);
  return {y, row(moments, 0), row(moments, 1)};
}

}  // namespace glocal

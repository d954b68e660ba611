#include <cmath>
#include <cstdint>
#include <utility>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/autodiff/ops/elementwise_kernels.h>
#include <glocal/autodiff/ops/unary.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/shape.h>
#include <glocal/core/simd/elementwise.h>
#include <glocal/core/tensor.h>

namespace glocal {

Tensor elementwise(Formula formula, Values x, double p) {
  const Tensor &a = x[0], &b = x[x.size() - 1];
  Tensor y(a.shape(), a.dtype());
  visit_float(a.dtype(), name_of(formula), [&]<class T>() {
    const auto kernel = simd::elementwise<T>()[formula];
    const auto run = [=, a = a.data<T>(), b = b.data<T>(), p = static_cast<T>(p), y = y.data<T>()](auto i, auto end) {
      kernel(end - i, a + i, b + i, p, y + i);
    };
    if (y.size() <= elements_per_task) return run(std::int64_t{0}, y.size());
    parallel_for(y.size(), elements_per_task, run);
  });
  return y;
}

namespace {

struct Add : Primitive<"add"> {
  Tensor eval(Values x) const override { return elementwise(Formula::add, x); }
  Reads reads(Wants) const override { return Reads::nothing(); }
  Var jvp(In, const Var&, In dx) const override { return plus(dx[0], dx[1]); }
  void vjp(In, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = gy;
    if (w[1]) gx[1] = gy;
  }
};

struct Sub : Primitive<"sub"> {
  Tensor eval(Values x) const override { return elementwise(Formula::sub, x); }
  Reads reads(Wants) const override { return Reads::nothing(); }
  Var jvp(In, const Var&, In dx) const override { return !dx[1] ? dx[0] : !dx[0] ? neg(dx[1]) : sub(dx[0], dx[1]); }
  void vjp(In, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = gy;
    if (w[1]) gx[1] = neg(gy);
  }
};

struct Mul : Primitive<"mul"> {
  Tensor eval(Values x) const override { return elementwise(Formula::mul, x); }
  Reads reads(Wants w) const override { return Reads::other_factor(w); }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? mul(dx[0], x[1]) : Var(), dx[1] ? mul(x[0], dx[1]) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = mul(gy, x[1]);
    if (w[1]) gx[1] = mul(gy, x[0]);
  }
};

// y = a / b: dy = (da - y db) / b
struct Div : Primitive<"div"> {
  Tensor eval(Values x) const override { return elementwise(Formula::div, x); }
  Reads reads(Wants w) const override { return {2, w[1]}; }
  Var jvp(In x, const Var& y, In dx) const override {
    const Var change = dx[1] ? neg(mul(y, dx[1])) : Var();
    return div(plus(dx[0], change), x[1]);
  }
  void vjp(In x, const Var& y, const Var& gy, Wants w, Out gx) const override {
    const Var ga = div(gy, x[1]);
    if (w[0]) gx[0] = ga;
    if (w[1]) gx[1] = neg(mul(ga, y));
  }
};

struct Scale : Unary<"scale", Reads::nothing()> {
  double factor;
  explicit Scale(double f) : factor(f) {}
  Tensor eval(Values x) const override { return elementwise(Formula::scale, x, factor); }
  Var along(const Var&, const Var&, const Var& d) const override { return scale(d, factor); }
};

struct Shift : Unary<"shift", Reads::nothing()> {
  double offset;
  explicit Shift(double o) : offset(o) {}
  Tensor eval(Values x) const override { return elementwise(Formula::shift, x, offset); }
  Var along(const Var&, const Var&, const Var& d) const override { return d; }
};

struct ScaleBy : Primitive<"scale_by"> {
  Tensor eval(Values x) const override { return elementwise(Formula::scale, x.part(0, 1), x[1].item()); }
  Reads reads(Wants w) const override { return {w[1] ? 3U : 2U, false}; }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? scale_by(dx[0], x[1]) : Var(), dx[1] ? scale_by(x[0], dx[1]) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = scale_by(gy, x[1]);
    if (w[1]) gx[1] = reshape(dot(gy, x[0]), x[1].shape());
  }
};

struct Axpy : Primitive<"axpy"> {
  Tensor eval(Values x) const override { return elementwise(Formula::axpy, x.part(1, 2), x[0].item()); }
  Reads reads(Wants w) const override { return {w[0] ? 3U : 1U, false}; }
  Var jvp(In x, const Var&, In dx) const override {
    const Var dy = !dx[1] ? dx[2] : !dx[2] ? scale_by(dx[1], x[0]) : axpy(x[0], dx[1], dx[2]);
    return !dx[0] ? dy : !dy ? scale_by(x[1], dx[0]) : axpy(dx[0], x[1], dy);
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = reshape(dot(gy, x[1]), x[0].shape());
    if (w[1]) gx[1] = scale_by(gy, x[0]);
    if (w[2]) gx[2] = gy;
  }
};

struct Dot : Primitive<"dot"> {
  Tensor eval(Values x) const override {
    return visit_float(x[0].dtype(), name(), [&]<class T>() {
      return Tensor::scalar(blas::dot<T>(x[0].size(), x[0].data<T>(), x[1].data<T>()), x[0].dtype());
    });
  }
  Reads reads(Wants w) const override { return Reads::other_factor(w); }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? dot(dx[0], x[1]) : Var(), dx[1] ? dot(x[0], dx[1]) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = scale_by(x[1], gy);
    if (w[1]) gx[1] = scale_by(x[0], gy);
  }
};

// A frozen choice between two operands: weight 2 takes a, 0 takes b, 1 the mean of both (a tie).
struct Choose : Primitive<"choose"> {
  Tensor weight;
  explicit Choose(Tensor w) : weight(std::move(w)) {}
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_float(y.dtype(), name(), [&]<class T>() {
      // Equal numbers are their own mean: half of a subnormal one may not exist.
      const auto pick = [](std::int32_t w, T a, T b) {
        return w == 2 || (a == b && a != 0) ? a : w == 0 ? b : T(0.5) * a + T(0.5) * b;
      };
      map_pointers(y.size(), pick, y.data<T>(), weight.data<std::int32_t>(), x[0].data<T>(), x[1].data<T>());
    });
    return y;
  }
  Reads reads(Wants) const override { return Reads::nothing(); }
  Var jvp(In, const Var&, In dx) const override;
  void vjp(In, const Var&, const Var& gy, Wants w, Out gx) const override;
};

// Choose with zero as the other operand: exactly 0 where x is not taken, even if x is NaN there.
struct Keep : Unary<"keep", Reads::nothing()> {
  Tensor weight;
  std::int32_t side;  // weight of x: weight[i] when side is 2, 2 - weight[i] when it is 0
  Keep(Tensor w, std::int32_t s) : weight(std::move(w)), side(s) {}
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_float(y.dtype(), name(), [&]<class T>() {
      const auto pick = [s = side](std::int32_t w, T v) { return w == s ? v : w == 1 ? T(0.5) * v : T(0); };
      map_pointers(y.size(), pick, y.data<T>(), weight.data<std::int32_t>(), x[0].data<T>());
    });
    return y;
  }
  Var along(const Var&, const Var&, const Var& d) const override { return apply(*this, d); }
};

Var Choose::jvp(In, const Var&, In dx) const {
  if (!dx[1]) return apply(Keep(weight, 2), dx[0]);
  if (!dx[0]) return apply(Keep(weight, 0), dx[1]);
  return apply(*this, dx[0], dx[1]);
}

void Choose::vjp(In, const Var&, const Var& gy, Wants w, Out gx) const {
  if (w[0]) gx[0] = apply(Keep(weight, 2), gy);
  if (w[1]) gx[1] = apply(Keep(weight, 0), gy);
}

// The weight of Choose, from the numbers of a and b: f gives 2, 1 or 0.
template <class F>
Tensor weigh(std::string_view where, const Tensor& a, const Tensor& b, F f) {
  Tensor weight(a.shape(), DType::i32);
  visit_float(a.dtype(), where,
              [&]<class T>() { map_pointers(a.size(), f, weight.data<std::int32_t>(), a.data<T>(), b.data<T>()); });
  return weight;
}

struct Pair {
  Var a, b;
};

// Both operands in the shape they broadcast to.
Pair broadcast(std::string_view where, const Var& a, const Var& b) {
  check_same_dtype(where, a, b);
  if (a.shape() == b.shape()) return {a, b};
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), where);
  return {broadcast_to(a, shape), broadcast_to(b, shape)};
}

// True when s is one number and broadcasting it against x gives the shape of x.
bool is_factor_of(const Var& s, const Var& x) { return s.size() == 1 && x.size() != 1 && s.rank() <= x.rank(); }

bool has_normal_reciprocal(const Var& b) {
  return visit_float(b.dtype(), "div", [&]<class T>() { return std::isnormal(1 / *b.value().data<T>()); });
}

}  // namespace

Var add(const Var& a, const Var& b) {
  const Pair x = broadcast("add", a, b);
  return apply(Add{}, x.a, x.b);
}

Var plus(const Var& a, const Var& b) { return !a ? b : !b ? a : add(a, b); }

Var sub(const Var& a, const Var& b) {
  const Pair x = broadcast("sub", a, b);
  return apply(Sub{}, x.a, x.b);
}

Var mul(const Var& a, const Var& b) {
  if (is_factor_of(b, a)) return scale_by(a, b);
  if (is_factor_of(a, b)) return scale_by(b, a);
  const Pair x = broadcast("mul", a, b);
  return apply(Mul{}, x.a, x.b);
}

Var div(const Var& a, const Var& b) {
  check_same_dtype("div", a, b);
  // By one multiplication, unless 1 / b is infinite or loses digits although a / b need not.
  if (is_factor_of(b, a) && has_normal_reciprocal(b)) return scale_by(a, reciprocal(b));
  const Pair x = broadcast("div", a, b);
  return apply(Div{}, x.a, x.b);
}

Var neg(const Var& x) { return scale(x, -1); }
Var scale(const Var& x, double factor) { return apply(Scale(factor), x); }
Var shift(const Var& x, double offset) { return apply(Shift(offset), x); }

Var scale_by(const Var& x, const Var& s) {
  check_same_dtype("scale_by", x, s);
  if (s.size() != 1) fail<ShapeError>("[scale_by] the factor must be one number, its shape is {}", s.shape());
  return apply(ScaleBy{}, x, s);
}

Var axpy(const Var& a, const Var& x, const Var& y) {
  check_same_dtype("axpy", a, x);
  check_same_dtype("axpy", x, y);
  check_same_shape("axpy", x, y);
  if (a.size() != 1) fail<ShapeError>("[axpy] the factor must be one number, its shape is {}", a.shape());
  return apply(Axpy{}, a, x, y);
}

Var dot(const Var& a, const Var& b) {
  check_same_dtype("dot", a, b);
  check_same_shape("dot", a, b);
  return apply(Dot{}, a, b);
}

// A NaN in either operand wins, so that it surfaces.
Var minimum(const Var& a, const Var& b) {
  const Pair x = broadcast("minimum", a, b);
  const Tensor weight = weigh("minimum", x.a.value(), x.b.value(), [](auto u, auto v) {
    return u < v || std::isnan(u) ? 2 : u == v ? 1 : 0;
  });
  return apply(Choose(weight), x.a, x.b);
}

Var maximum(const Var& a, const Var& b) {
  const Pair x = broadcast("maximum", a, b);
  const Tensor weight = weigh("maximum", x.a.value(), x.b.value(), [](auto u, auto v) {
    return u > v || std::isnan(u) ? 2 : u == v ? 1 : 0;
  });
  return apply(Choose(weight), x.a, x.b);
}

Var clamp(const Var& x, double low, double high) {
  if (!(low <= high)) fail<ValueError>("[clamp] low = {} must not be above high = {}", low, high);
  const Tensor bound = map(
      "clamp",
      [=](auto v) {
        const auto lo = static_cast<decltype(v)>(low), hi = static_cast<decltype(v)>(high);
        return v < lo ? lo : hi;
      },
      x.value());
  const Tensor inside = weigh("clamp", x.value(), x.value(), [=](auto v, auto) {
    return v < static_cast<decltype(v)>(low) || v > static_cast<decltype(v)>(high) ? 0 : 2;
  });
  return apply(Choose(inside), x, Var(bound));
}

Var where(const Tensor& mask, const Var& a, const Var& b) {
  if (mask.dtype() != DType::i32) fail<DTypeError>("[where] the mask must be i32, it is {}", mask.dtype());
  const Shape shape = broadcast_shapes(mask.shape(), broadcast_shapes(a.shape(), b.shape(), "where"), "where");
  check_same_dtype("where", a, b);
  Tensor weight(mask.shape(), DType::i32);
  map_pointers(
      mask.size(), [](std::int32_t m) { return m != 0 ? 2 : 0; }, weight.data<std::int32_t>(),
      mask.data<std::int32_t>());
  return apply(Choose(broadcast_to(weight, shape).value()), broadcast_to(a, shape), broadcast_to(b, shape));
}

}  // namespace glocal

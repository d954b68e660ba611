// The two shapes of rule that elementwise functions of one operand have. Private to ops/.
#pragma once
#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>

namespace glocal {

/// e^(-factor x^2) for a factor of 1/2 or 1, to a few units in the last place however small it is.
Var gaussian(const Var& x, double factor);

/// y = f(x): the derivative is a diagonal map, so jvp and vjp are one formula.
template <Name op_name, Reads what = Reads::only_inputs()>
struct Unary : Primitive<op_name> {
  Reads reads(Wants) const override { return what; }
  /// f'(x) d, from x and y = f(x), of which only what is read is there.
  virtual Var along(const Var& x, const Var& y, const Var& d) const = 0;
  Var jvp(In x, const Var& y, In dx) const final { return along(x[0], y, dx[0]); }
  void vjp(In x, const Var& y, const Var& gy, Wants, Out gx) const final { gx[0] = along(x[0], y, gy); }
};

/// f'(u) d as one fused op of (d, u): linear in d, diagonal in u.
template <class Self, Name op_name>
struct UnaryLin : Primitive<op_name> {
  Reads reads(Wants w) const final { return {w[1] ? 3U : 2U, false}; }
  /// f''(u) d: what a change of u is multiplied with.
  virtual Var bend(const Var& d, const Var& u) const = 0;
  Var jvp(In x, const Var&, In dx) const final {
    return plus(dx[0] ? apply(self(), dx[0], x[1]) : Var(), dx[1] ? mul(dx[1], bend(x[0], x[1])) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const final {
    if (w[0]) gx[0] = apply(self(), gy, x[1]);
    if (w[1]) gx[1] = mul(gy, bend(x[0], x[1]));
  }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
};

}  // namespace glocal

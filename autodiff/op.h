// A primitive: everything about it in one struct, every rule pure virtual, so that none can be forgotten.
#pragma once
#include <array>
#include <concepts>
#include <memory>
#include <utility>

#include <glocal/autodiff/rule.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/recycle.h>
#include <glocal/core/tensor.h>

namespace glocal {

/// A primitive with one output. jvp and vjp are written in differentiable ops, so every order exists.
struct Op : Rule {
  virtual Tensor eval(Values x) const = 0;
  /// dy for one direction; dx[i] may be the symbolic zero, but not all of them.
  virtual Var jvp(In x, const Var& y, In dx) const = 0;
  /// gx[i] for every wanted input, adding nothing to what is there; gx[i] left empty means zero.
  virtual void vjp(In x, const Var& y, const Var& gy, Wants w, Out gx) const = 0;

  void push(In x, In y, In dx, Out dy) const final { dy[0] = jvp(x, y[0], dx); }
  void pull(In x, In y, In gy, Wants w, Out gx) const final { vjp(x, y[0], gy[0], w, gx); }
};

/// `struct Add : Primitive<"add"> { eval, jvp, vjp }` is an op.
template <Name op_name>
using Primitive = Named<op_name, Op>;

/// Finds the highest level among the inputs and strips it until only constants are left; while returning applies
/// jvp per tangent, or appends a node to that level's tape. This is all of nested differentiation.
Var call(std::shared_ptr<const Op> op, In x);
/// call() for constants only.
Var evaluate(const Op& op, In x);

/// The way every op function ends: apply(Conv2d{spec}, x, weight).
template <std::derived_from<Op> O>
Var apply(O op, In x) {
  return all_constant(x) ? evaluate(op, x) : call(std::allocate_shared<const O>(Recycled<O>(), std::move(op)), x);
}
template <std::derived_from<Op> O, std::same_as<Var>... V>
Var apply(O op, const V&... x) {
  const std::array<Var, sizeof...(V)> inputs{x...};
  return apply(std::move(op), In(inputs));
}

}  // namespace glocal

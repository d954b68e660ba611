// A function computed in one pass over memory, and differentiated as the same function written in ops.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/var.h>

namespace glocal {

/// Any number of outputs, none of which may be the symbolic zero; the inputs neither.
struct Fused : Rule {
  /// The outputs for constant inputs. It may write into an input that is its sole owner's: see Var::sole_owner.
  virtual Vars eval(std::span<Var> x) const = 0;
  /// The same function in differentiable ops: the meaning of eval, and of every derivative.
  virtual Vars composed(In x) const = 0;

  /// Tangents of the outputs in the directions dx[k].
  virtual std::vector<Vars> push_all(In x, In y, std::span<const Vars> dx) const;
  void push(In x, In y, In dx, Out dy) const final;
  void pull(In x, In y, In gy, Wants w, Out gx) const override;
  Reads reads(Wants) const override { return Reads::only_inputs(); }
};

/// `struct SgdUpdate : FusedPrimitive<"sgd_update"> { eval, composed }` is one.
template <Name name>
using FusedPrimitive = Named<name, Fused>;

/// As call() of an op, for all outputs at once. Hand the inputs over with std::move to let eval write into them.
Vars call(std::shared_ptr<const Fused> f, Vars x);

}  // namespace glocal

// A primitive: everything about it in one struct, every rule pure virtual, so that none can be forgotten.
#pragma once
#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/recycle.h>
#include <glocal/core/tensor.h>

namespace glocal {

/// Which inputs of a node want a gradient.
class Wants {
 public:
  explicit Wants(std::span<const std::int32_t> parents) : parents_(parents) {}
  bool operator[](std::size_t i) const { return parents_[i] >= 0; }

 private:
  std::span<const std::int32_t> parents_;
};

/// The numbers of the inputs of an op.
class Values {
 public:
  explicit Values(In x) : x_(x) {}
  const Tensor& operator[](std::size_t i) const { return x_[i].value(); }
  std::size_t size() const { return x_.size(); }
  Values part(std::size_t begin, std::size_t count) const { return Values(x_.subspan(begin, count)); }

 private:
  In x_;
};

/// What a rule reads besides derivatives: bit i for x[i], and the outputs. A tape keeps nothing else alive; what is not
/// kept arrives at the rule as the symbolic zero.
struct Reads {
  std::uint64_t inputs = ~std::uint64_t{0};
  bool outputs = true;

  bool reads_input(std::size_t i) const { return i >= 64 || (inputs >> i & 1) != 0; }
  static constexpr Reads nothing() { return {0, false}; }
  static constexpr Reads only_inputs() { return {~std::uint64_t{0}, false}; }
  static constexpr Reads only_outputs() { return {0, true}; }
  static constexpr Reads input(std::size_t i) { return {std::uint64_t{1} << i, false}; }
  /// For a product of two factors: each is read where the other one wants its derivative.
  static Reads other_factor(Wants w) { return {(w[1] ? 1U : 0U) | (w[0] ? 2U : 0U), false}; }
};

/// The derivative of one tape node as a linear map, walked forward (push) or backward (pull).
struct Rule {
  virtual ~Rule() = default;
  virtual const char* name() const = 0;
  /// Everything, unless a rule that is often recorded says that it needs less.
  virtual Reads reads(Wants) const { return {}; }
  /// True for an op so quick that a tape drops its output where others read it, and asks for it `again` when they do.
  virtual bool quick() const { return false; }
  /// The output from constant inputs, which reads() must keep; of quick rules only.
  virtual Tensor again(Values x) const;
  virtual void push(In x, In y, In dx, Out dy) const = 0;
  virtual void pull(In x, In y, In gy, Wants w, Out gx) const = 0;
};

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

/// A string literal as a template argument.
template <std::size_t n>
struct Name {
  char text[n];
  constexpr Name(const char (&literal)[n]) { std::copy_n(literal, n, text); }  // NOLINT: implicit on purpose
};

/// Names of every primitive linked into this program, sorted: the gradient tests demand a row for each.
const std::vector<std::string>& op_names();
bool register_op(const char* name);

/// Gives a rule its name and registers it.
template <Name op_name, std::derived_from<Rule> Base>
struct Named : Base {
  using Base::Base;
  static inline const bool registered = register_op(op_name.text);
  const char* name() const final { return registered ? op_name.text : ""; }
};

/// `struct Add : Primitive<"add"> { eval, jvp, vjp }` is an op.
template <Name op_name>
using Primitive = Named<op_name, Op>;

/// Finds the highest level among the inputs and strips it until only constants are left; on the way back applies
/// jvp per tangent, or appends a node to that level's tape. This is all of nested differentiation.
Var call(std::shared_ptr<const Op> op, In x);
/// call() for constants only.
Var evaluate(const Op& op, In x);
bool all_constant(In x);

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

/// a + b where either may be the symbolic zero.
Var plus(const Var& a, const Var& b);

}  // namespace glocal

// What a tape holds of an operation: a rule, the linear map that is its derivative.
#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
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

bool all_constant(In x);

}  // namespace glocal

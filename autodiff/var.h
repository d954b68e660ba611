// A number that may know its derivative: constant, dual (primal + q tangents) or traced (primal + tape slot).
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {

class Tape;
struct Box;

/// One pointer, value semantics, immutable. A default-constructed Var is the symbolic zero: the derivative of
/// something that does not depend on anything; it has no shape, and no op is evaluated for it.
class Var {
 public:
  Var() = default;
  Var(Tensor value);  // NOLINT: a Tensor is a constant Var wherever a Var is expected
  explicit Var(std::shared_ptr<const Box> box) : box_(std::move(box)) {}

  explicit operator bool() const { return box_ != nullptr; }  ///< false for the symbolic zero
  const Tensor& value() const;                                ///< the numbers, whatever the level
  const Shape& shape() const { return value().shape(); }
  int rank() const { return value().rank(); }
  std::int64_t size() const { return value().size(); }
  std::int64_t dim(int axis) const { return value().dim(axis); }
  DType dtype() const { return value().dtype(); }
  double item() const { return value().item(); }
  int level() const;        ///< 0 for a constant, else the level of the transform that watches it
  bool sole_owner() const;  ///< a constant whose numbers nobody else can see
  const Box* box() const { return box_.get(); }

 private:
  std::shared_ptr<const Box> box_;
};

using Vars = std::vector<Var>;
using In = std::span<const Var>;
using Out = std::span<Var>;

/// What a Var points to. `trace` names the one transform whose run made it.
struct Box {
  int level = 0;
  std::int64_t trace = 0;
  Tensor value;                // level 0: the numbers
  Var primal;                  // level > 0: the same number, some levels down
  Vars tangents;               // dual: q directions, each possibly the symbolic zero
  std::shared_ptr<Tape> tape;  // traced: where it is recorded
  std::int32_t slot = -1;      // traced: its place there
};

/// The same numbers as a constant: every derivative of them is zero.
Var stop_gradient(const Var& x);
Var zeros_like(const Var& x);
Var ones_like(const Var& x);
/// x, or zeros shaped as `like` where x is the symbolic zero.
Var instantiate(const Var& x, const Var& like);

}  // namespace glocal

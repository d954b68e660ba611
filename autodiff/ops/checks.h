// The argument checks that ops share. Private to ops/.
#pragma once
#include <string_view>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>

namespace glocal {

/// Throws DTypeError when a and b have different element types.
inline void check_same_dtype(std::string_view where, const Var& a, const Var& b) {
  if (a.dtype() != b.dtype())
    fail<DTypeError>("[{}] mixed element types {} and {}; convert one operand with .to()", where, a.dtype(), b.dtype());
}

/// Throws ShapeError when a and b have different shapes.
inline void check_same_shape(std::string_view where, const Var& a, const Var& b) {
  if (a.shape() != b.shape())
    fail<ShapeError>("[{}] shapes {} and {} must be equal; see broadcast_to()", where, a.shape(), b.shape());
}

/// Throws DTypeError when x is not f32 or f64.
inline void check_float(std::string_view where, const Var& x) {
  visit_float(x.dtype(), where, []<class T>() {});
}

}  // namespace glocal

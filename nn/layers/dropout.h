// Dropout (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 2014).
#pragma once
#include <tuple>

#include <glocal/autodiff/var.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

/// In training zeroes each number with probability `rate` and divides the rest by 1 - rate; the mask follows from
/// the pass's key. In evaluation the identity.
struct Dropout {
  double rate = 0.5;

  Dropout() = default;
  /// Throws ValueError unless 0 <= rate < 1.
  explicit Dropout(double rate);

  auto fields() { return std::tie(); }
  Var operator()(const Var& x, Pass& pass) const;
};

}  // namespace glocal::nn

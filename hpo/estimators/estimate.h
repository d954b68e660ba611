// A hypergradient as an estimator returns it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/tensor.h>

namespace glocal::hpo {

struct Forecast;

/// A hypergradient and what is known about how it was made.
struct Estimate {
  std::vector<double> h;                     ///< (q,), with respect to the unconstrained hyperparameters
  double outer = 0;                          ///< E at the end of what was run
  Tensor trajectory;                         ///< h after each step of the block, (tau, q) f64; may be empty
  std::shared_ptr<const Forecast> forecast;  ///< glocal: the fit, its spectrum, whether it fell back
  std::string note = {};  ///< what a reader should know of this estimate (implicit: how far it solved)
  Vars s = {};  ///< from the start: the state after the `steps` that `outer` judged; see Estimator::from_start
};

}  // namespace glocal::hpo

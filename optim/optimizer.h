// What an update rule looks like that is chosen at run time: over flat lists of Vars.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>

namespace glocal::optim {

/// One number that can be tuned.
struct HyperInfo {
  enum class Range { positive, unit_interval /* [0, 1) */, non_negative };
  std::string name;
  double initial;  ///< the usual value
  Range range;
  std::string of = {};  ///< the vector that it is a number of, with those beside it: the knots of a schedule
  bool form = false;    ///< of a schedule: a number that gives its form, no value of what is scheduled
};

/// The state after one step.
struct Step {
  Vars params;
  Vars state;
};

struct Optimizer {
  std::string name;
  std::vector<HyperInfo> hyper;  ///< in the order that `step` takes them
  std::function<Vars(const Vars& params)> init;
  /// hyper: one number each, of the parameters' element type; t = 1, 2, ... Throws ShapeError, ValueError.
  std::function<Step(const Vars& hyper, const Vars& params, const Vars& grads, const Vars& state, std::int64_t t)> step;
};

/// An entry of the list of optimisers.
struct OptimizerKind {
  std::string name;   ///< "adamw"
  std::string about;  ///< a sentence for `glocal list optimizers`
  std::function<Optimizer()> make;
};

/// The initial values of an optimiser's hyperparameters, as constants.
Vars initial_hyper(const Optimizer& optimizer, DType dtype);

}  // namespace glocal::optim

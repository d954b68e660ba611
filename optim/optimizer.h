// What an update rule looks like that is chosen at run time: over flat lists of Vars.
#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
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

/// The loss of a step's batch as a rule sees it: at the parameters, and where the rule asks for it, elsewhere.
struct Evaluation {
  Vars grads;                                          ///< an entry may be the symbolic zero
  Var loss = {};                                       ///< one number; empty where the caller does not know it
  std::function<Evaluation(const Vars& params)> at{};  ///< the same batch at other parameters; may be empty

  // Gradients alone convert, since most rules read no more.
  Evaluation(Vars gradients) : grads(std::move(gradients)) {}
  Evaluation(std::initializer_list<Var> gradients) : grads(gradients) {}
  Evaluation(Vars gradients, Var value, std::function<Evaluation(const Vars& params)> elsewhere)
      : grads(std::move(gradients)), loss(std::move(value)), at(std::move(elsewhere)) {}
};

/// The state after one step.
struct Step {
  Vars params;
  Vars state;
};

/// What the learning rate multiplies: the gradient; a direction whose size does not follow the gradient's; a rate that
/// the rule finds by itself.
enum class LrScales { gradient, direction, own_rate };

struct Optimizer {
  std::string name;
  std::vector<HyperInfo> hyper;  ///< in the order that `step` takes them
  std::function<Vars(const Vars& params)> init;
  /// hyper: one number each, of the parameters' element type; t = 1, 2, ... Throws ShapeError, ValueError; of a rule
  /// that reads the loss, or evaluates it elsewhere, ValueError where `seen` lacks that.
  std::function<Step(const Vars& hyper, const Vars& params, const Evaluation& seen, const Vars& state, std::int64_t t)>
      step;
  /// The parameters to judge and to keep, for a rule that trains others; empty: those it trains.
  std::function<Vars(const Vars& params, const Vars& state)> judged = {};
  /// The step of one parameter depends on all of them (a norm over all, a place in the list), so that no group of
  /// them can be stepped on its own; the state is then no list of one entry per parameter.
  bool joint = false;
  LrScales lr_scales = LrScales::gradient;
  /// Gradients that a step takes.
  int evaluations = 1;
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

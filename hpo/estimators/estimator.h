// What every hypergradient estimator looks like to the outer loop.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

namespace glocal::hpo {

/// One way of estimating dE/dphi: all that is to be known of it.
struct Estimator {
  virtual ~Estimator() = default;
  virtual const char* name() const = 0;
  /// True when each estimate is a whole run from s_0, so that training does not go on between estimates. Its `outer`
  /// must be problem.outer(s, phi, 0), so that runs are judged alike; with the `s` it hands over the last update is
  /// judged too, without it the last update is not taken.
  virtual bool from_start() const = 0;
  /// True when the estimate sees how the initial state depends on phi; otherwise that part of h is zero.
  virtual bool depends_on_init() const = 0;
  /// Steps run per estimate, given where training stands: those of the whole block when it is in the middle of one.
  virtual std::int64_t steps(const Progress& progress) const = 0;
  /// What can be found wrong with a problem before anything is trained or written. Throws ValueError naming it.
  virtual void check(const FlatProblem& problem, const Vars& phi) const;
  /// Runs a block of `steps(progress)` steps, or what is left of the one in progress, and estimates the hypergradient,
  /// or throws NumericError, naming step and component, where it is not finite (see finite.h);
  /// from_start() leaves `progress` at s_0. problem.watch and problem.step may throw: a call with that `progress`, then
  /// or from a copy made in problem.watch when progress.t is the step watched + 1, goes on with the same bits.
  virtual Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) = 0;
  /// What all estimates of a run of T steps take, with the training between them; `updates` counts for estimators from
  /// the start only.
  virtual Cost cost(const Probe& probe, std::int64_t T, std::int64_t updates) const = 0;
  /// The same in gradient evaluations by theory (cost.h), training included. Throws ShapeError beyond 2^63.
  virtual std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const = 0;
  virtual Kept kept(std::int64_t q) const;
};

/// One that estimates after every block of tau steps, while training goes on, and does not see how s_0 depends on phi.
struct BlockEstimator : Estimator {
  std::int64_t tau;
  explicit BlockEstimator(std::int64_t block) : tau(block) {}
  bool from_start() const override { return false; }
  bool depends_on_init() const override { return false; }
  std::int64_t steps(const Progress& progress) const override { return progress.block_steps(tau); }
};

/// A number that an estimator from outside is told by the command: a flag, an entry of config.json, a line of the help.
struct EstimatorSetting {
  std::string key;    ///< "trust": --trust, and EstimatorOptions::own
  std::string about;  ///< a line of the help
  double value, least, most;
};

/// An entry of the list of estimators.
struct EstimatorKind {
  std::string name;    ///< "local-online"
  std::string about;   ///< a sentence for `glocal list estimators`
  std::string colour;  ///< of its curves, a name of the palette (app/report/paint.h); empty: grey
  std::function<std::unique_ptr<Estimator>(const EstimatorOptions&)> make;
  std::vector<EstimatorSetting> settings = {};  ///< the library's own have fields of EstimatorOptions instead
};

}  // namespace glocal::hpo

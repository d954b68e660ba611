// The outer loop: train for T steps and move the hyperparameters along the estimated hypergradient on the way.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/tune/keep_best.h>
#include <glocal/hpo/tune/tune_state.h>

namespace glocal::hpo {

struct TuneOptions {
  std::string estimator = "glocal";  ///< a name of estimator_names()
  EstimatorOptions estimator_options{};
  MetaOptimizer meta;
  std::int64_t T = 1000;      ///< steps of training, >= 1
  std::int64_t updates = 10;  ///< outer updates of estimators that run from the start each time (global)
};

/// One outer update, as it is reported; or one trial of a search, which has no hypergradient: see search_run.h.
struct OuterUpdate {
  std::int64_t index = 0;  ///< 0-based
  std::int64_t t = 0;      ///< steps of training done when phi was moved (0 for from-the-start estimators)
  Vars phi;                ///< where the estimate was taken
  Vars next_phi;           ///< after the meta-optimiser
  Estimate estimate;
  double seconds = 0;  ///< of the steps and the estimate
};

struct TuneResult {
  Vars s;    ///< s_T, trained to the end
  Vars phi;  ///< the hyperparameters it was trained with: the last reached, or those of `best`
  MetaOptimizer meta = {};
  std::int64_t updates = 0;
  double estimate_seconds = 0;       ///< in blocks that estimated a hypergradient
  double seconds = 0;                ///< all of it
  std::int64_t peak_bytes = 0;       ///< of tensors, measured
  std::optional<BestRun> best = {};  ///< estimators from the start: which run was kept
};

/// T plain steps from init(phi).
TuneResult train(const FlatProblem& problem, const Vars& phi, std::int64_t T);
/// What is left of them.
TuneResult train(const FlatProblem& problem, TuneState& state);

/// Tunes phi. Block estimators (local, truncated, glocal) train once and move phi after each block but the last.
/// Estimators from the start (global, global-forward, local-restart) make `updates` runs from s_0, then train once, and
/// end with the best: every run is judged by its E, at the same step on the validation batch of block 0. Where E is the
/// least so far phi moves on; else it goes back to the best and moves from there with half the meta lr. The last
/// training is judged too; unless it is the best, the result is s_T of the best, which is kept, not trained again: the
/// price is `updates` estimates and T plain steps. A run that throws DivergedError or NumericError (problem.watch may)
/// has E = infinity; the first may not, it has nothing to go back to.
/// Throws ValueError for options out of range, NumericError for a non-finite hypergradient.
TuneResult tune(const FlatProblem& problem, const Vars& phi, const TuneOptions& options,
                const std::function<void(const OuterUpdate&)>& report = {});
/// Goes on from `state`, which has moved when this returns or throws; `report` sees it after the update it reports.
/// options.meta and options.T are those of `state`. Times and memory are those of what is left.
TuneResult tune(const FlatProblem& problem, TuneState& state, const TuneOptions& options,
                const std::function<void(const OuterUpdate&)>& report = {});

}  // namespace glocal::hpo

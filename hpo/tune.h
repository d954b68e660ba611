// The outer loop: train for T steps and move the hyperparameters along the estimated hypergradient on the way.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <glocal/hpo/estimator.h>
#include <glocal/hpo/meta.h>

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
  Vars phi;  ///< the hyperparameters reached
  MetaOptimizer meta = {};
  std::int64_t updates = 0;
  double estimate_seconds = 0;  ///< in blocks that estimated a hypergradient
  double seconds = 0;           ///< all of it
  std::int64_t peak_bytes = 0;  ///< of tensors, measured
};

/// Where a run stands, at any step. Between two steps, that is in problem.step, and in problem.watch for step t when
/// progress.t is t + 1, it can be copied or written down, and a copy goes on with the same bits.
struct TuneState {
  std::vector<double> u;  ///< (q,) f64 master copy of phi, which is to_leaves(u, phi)
  Vars phi;               ///< the hyperparameters in use; of a search: where it began
  MetaOptimizer meta = {};
  std::int64_t updates = 0;         ///< outer updates made, or trials of a search
  double estimate_seconds = 0;      ///< see TuneResult
  std::vector<double> scores = {};  ///< searches: E of each trial, NaN where it failed
  Progress progress = {};
};
/// s_0 = init(phi), before the first of T steps.
TuneState start_of_run(const FlatProblem& problem, const Vars& phi, std::int64_t T, const MetaOptimizer& meta = {});

/// T plain steps from init(phi).
TuneResult train(const FlatProblem& problem, const Vars& phi, std::int64_t T);
/// What is left of them.
TuneResult train(const FlatProblem& problem, TuneState& state);

/// Tunes phi. Block estimators (local, truncated, glocal) train once and move phi after each block but the last;
/// estimators from the start (global) make `updates` whole runs, then train once with what they found.
/// Throws ValueError for options out of range, NumericError for a non-finite hypergradient.
TuneResult tune(const FlatProblem& problem, const Vars& phi, const TuneOptions& options,
                const std::function<void(const OuterUpdate&)>& report = {});
/// Goes on from `state`, which has moved when this returns or throws; `report` sees it after the update it reports.
/// options.meta and options.T are those of `state`. Times and memory are those of what is left.
TuneResult tune(const FlatProblem& problem, TuneState& state, const TuneOptions& options,
                const std::function<void(const OuterUpdate&)>& report = {});

}  // namespace glocal::hpo

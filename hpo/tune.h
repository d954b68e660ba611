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
  MetaOptimizer meta;
  std::int64_t updates = 0;
  double estimate_seconds = 0;  ///< in blocks that estimated a hypergradient
  double seconds = 0;           ///< all of it
  std::int64_t peak_bytes = 0;  ///< of tensors, measured
};

/// T plain steps from init(phi).
TuneResult train(const FlatProblem& problem, const Vars& phi, std::int64_t T);

/// Tunes phi. Block estimators (local, truncated, glocal) train once and move phi after each block but the last;
/// estimators from the start (global) make `updates` whole runs, then train once with what they found.
/// Throws ValueError for options out of range, NumericError for a non-finite hypergradient.
TuneResult tune(const FlatProblem& problem, const Vars& phi, const TuneOptions& options,
                const std::function<void(const OuterUpdate&)>& report = {});

}  // namespace glocal::hpo

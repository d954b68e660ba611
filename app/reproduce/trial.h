// One training run of a study, held in memory: its scores, its way through the hyperparameters, its price.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <glocal/app/settings/options.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// One outer update.
struct Move {
  std::int64_t t = 0;          ///< steps of training done; 0 for estimators from the start
  std::vector<double> values;  ///< of the hyperparameters after it
  std::vector<double> h;       ///< the hypergradient that moved them
  bool fell_back = false;      ///< glocal: to h_tau
};

struct Trial {
  std::string failure;            ///< why it ended early, "" when it did not: a loss or hypergradient was not finite
  train::Score validation, test;  ///< NaN after a failure
  std::vector<Move> moves;
  std::vector<double> values;             ///< of the hyperparameters at the end, or where it failed
  std::optional<hpo::BestRun> best = {};  ///< estimators from the start: the run that was kept
  double gradients = 0;                   ///< gradient evaluations that it cost, by count: see hpo/estimators/cost.h
  double seconds = 0;                     ///< of training and tuning
  double processor_seconds = 0;           ///< of all threads, in the same
  std::int64_t peak_bytes = 0;

  bool ok() const { return failure.empty(); }
};

/// Trains with fixed hyperparameters ("fixed") or with a rate from rehearsals, tunes with an estimator or searches, and
/// scores the end. "gp in rehearsals" is a search whose trials are as long as rehearsals. A run that is no longer
/// finite is a trial too. Throws Interrupted, ValueError.
Trial run_trial(const train::Experiment& experiment, const Options& options, const std::string& estimator);

}  // namespace glocal::app

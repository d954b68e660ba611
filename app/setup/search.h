// Black-box searches in the command: what --budget pays for, and what every way of tuning costs in the same unit.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/app/settings/options.h>
#include <glocal/hpo/tune/search_run.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// The search's options once T is known. --budget is a number of plain training runs (20: 19 trials and the last
/// training) or the name of an estimator, whose gradient evaluations with the same options are the budget.
hpo::SearchOptions search_options(const Options& options, const std::string& method, std::int64_t q);
/// What can be found wrong with a search before there are data. Throws ValueError.
void check_search(const Options& options, const std::string& method);

/// Runs that come before training itself, whole ones or parts: of searches and of estimators from the start.
struct Replays {
  std::int64_t runs = 0, steps = 0;         ///< how many, and the steps of a whole one
  std::vector<hpo::TrialSteps> parts = {};  ///< of each, where they are not whole; then the last training's

  bool whole() const { return parts.empty(); }
  std::int64_t begin_of(std::int64_t run) const { return whole() ? 0 : at(run).begin; }
  std::int64_t end_of(std::int64_t run) const { return whole() ? steps : at(run).end; }
  std::int64_t steps_before(std::int64_t run) const;  ///< of all runs before this one
  /// Steps of all of them, and of a training of T steps that goes on from the last.
  std::int64_t steps_with(std::int64_t T) const { return steps_before(runs) + T - begin_of(runs); }

 private:
  const hpo::TrialSteps& at(std::int64_t run) const { return parts.at(static_cast<std::size_t>(run)); }
};
Replays replays_of(const train::Experiment& experiment, const Options& options, const std::string& estimator);
/// States of trials that a search keeps at once, to go on from them.
std::int64_t kept_states(const train::Experiment& experiment, const Options& options, const std::string& search);
/// Of the whole run, training included: see hpo/estimators/cost.h.
std::int64_t gradient_evaluations(const train::Experiment& experiment, const Options& options,
                                  const std::string& estimator);

}  // namespace glocal::app

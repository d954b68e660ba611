// Black-box searches in the command: what --budget pays for, and what every way of tuning costs in the same unit.
#pragma once
#include <cstdint>
#include <string>

#include <glocal/app/settings/options.h>
#include <glocal/hpo/tune/search_run.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// The search's options once T is known. --budget is a number of plain training runs (20: 19 trials and the last
/// training) or the name of an estimator, whose gradient evaluations with the same options are the budget.
hpo::SearchOptions search_options(const Options& options, const std::string& method, std::int64_t q);
/// What can be found wrong with a search before there are data. Throws ValueError.
void check_search(const Options& options, const std::string& method);

struct Replays {
  std::int64_t runs = 0, steps = 0;
};
/// Whole runs that come before training itself, and the steps of each: of searches and of estimators from the start.
Replays replays_of(const train::Experiment& experiment, const Options& options, const std::string& estimator);
/// Of the whole run, training included: see hpo/estimators/cost.h.
std::int64_t gradient_evaluations(const train::Experiment& experiment, const Options& options,
                                  const std::string& estimator);

}  // namespace glocal::app

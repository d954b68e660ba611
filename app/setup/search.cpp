#include <glocal/app/setup/search.h>

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <vector>

#include <glocal/app/settings/options.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/hpo/estimators/predict.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/tune/search_run.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

constexpr std::uint64_t search_stream = 0x7365617263;  // far from the children that an experiment makes of its seed

}  // namespace

hpo::SearchOptions search_options(const Options& options, const std::string& method, std::int64_t q) {
  const hpo::TuneOptions& tuning = options.tuning;
  const std::int64_t T = tuning.T, runs = runs_of_budget(options.budget);
  hpo::SearchOptions search{.method = method, .T = T, .trial_steps = options.trial_steps};
  search.width = options.search_width;
  search.key = split(key(options.experiment.seed), search_stream);
  search.budget = runs > 0 ? checked_mul(runs, T)
                           : hpo::gradient_evaluations(options.budget, tuning.estimator_options, q, T, tuning.updates);
  return search;
}

void check_search(const Options& options, const std::string& method) {
  if (options.experiment.tune.empty()) fail<ValueError>("[{}] nothing to tune; give --tune lr", method);
}

std::int64_t Replays::steps_before(std::int64_t run) const {
  if (whole()) return run * steps;
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < run; ++i) sum += end_of(i) - begin_of(i);
  return sum;
}

Replays replays_of(const train::Experiment& experiment, const Options& options, const std::string& estimator) {
  if (is_plain(estimator)) return {};
  if (hpo::is_search(estimator)) {
    const Vars phi = experiment.phi();
    const hpo::SearchOptions search = search_options(options, estimator, hpo::components(phi));
    const auto made = make_search(experiment.space(), phi, search);
    Replays replays{made->trials(), search.trial_steps == 0 ? search.T : search.trial_steps};
    if (made->last_begins() > 0)
      for (std::int64_t i = 0; i <= replays.runs; ++i) replays.parts.push_back(steps_of_trial(*made, search, i));
    return replays;
  }
  const auto made = hpo::make_estimator(estimator, options.tuning.estimator_options);
  if (!made->from_start()) return {};
  return {options.tuning.updates, made->steps({{}, {}, 0, options.tuning.T})};
}

std::int64_t kept_states(const train::Experiment& experiment, const Options& options, const std::string& search) {
  const Vars phi = experiment.phi();
  const hpo::SearchOptions settings = search_options(options, search, hpo::components(phi));
  return make_search(experiment.space(), phi, settings)->most_kept();
}

std::int64_t gradient_evaluations(const train::Experiment& experiment, const Options& options,
                                  const std::string& estimator) {
  const hpo::TuneOptions& tuning = options.tuning;
  if (is_plain(estimator) || hpo::is_search(estimator)) {
    return replays_of(experiment, options, estimator).steps_with(tuning.T);
  }
  return hpo::gradient_evaluations(estimator, tuning.estimator_options, hpo::components(experiment.phi()), tuning.T,
                                   tuning.updates);
}

}  // namespace glocal::app

#include <glocal/app/setup/run_rules.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/app/settings/options.h>
#include <glocal/app/setup/search.h>
#include <glocal/datasets/dataset.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

// At most 20 scores a run, and no more images scored than trained on: a step is worth three passes over its batch.
std::int64_t steps_between_scores(std::int64_t T, std::int64_t batch, std::int64_t validation) {
  constexpr std::int64_t most_scores = 20;
  const std::int64_t affordable = 3 * batch * T / std::max<std::int64_t>(validation, 1);
  const std::int64_t scores = std::clamp<std::int64_t>(affordable, 1, most_scores);
  return (T + scores - 1) / scores;
}

}  // namespace

std::vector<std::int64_t> RunRules::looks() const { return hpo::growth_looks(tau); }

RunRules rules_of(const train::Experiment& experiment, const Options& options, const std::string& estimator) {
  constexpr std::int64_t most_losses = 500;
  const hpo::TuneOptions& tuning = options.tuning;
  const hpo::EstimatorOptions& settings = tuning.estimator_options;
  RunRules rules;
  rules.estimator = estimator;
  rules.search = hpo::is_search(estimator);
  rules.regression = experiment.data(datasets::Part::train).regression();
  rules.q = hpo::components(experiment.phi());
  rules.T = tuning.T;
  rules.replays = replays_of(experiment, options, estimator);
  rules.meta = tuning.meta;
  rules.loss_every = (rules.T + most_losses - 1) / most_losses;
  rules.score_every =
      steps_between_scores(rules.T, options.experiment.batch, experiment.data(datasets::Part::validation).size());
  if (is_plain(estimator)) return rules;
  if (rules.search) {
    rules.updates = rules.replays.runs;
    return rules;
  }
  const auto made = hpo::make_estimator(estimator, settings);
  rules.from_start = made->from_start();
  rules.kept = made->kept(rules.q);
  rules.tau = rules.from_start ? rules.replays.steps : settings.tau;
  rules.updates = rules.from_start ? tuning.updates : (rules.T + rules.tau - 1) / rules.tau - 1;
  rules.seed = settings.seed;
  return rules;
}

}  // namespace glocal::app

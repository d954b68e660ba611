#include <glocal/app/reproduce/trial.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/app/settings/options.h>
#include <glocal/app/setup/divergence.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/app/setup/rehearsal.h>
#include <glocal/app/setup/search.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/stopwatch.h>
#include <glocal/datasets/dataset.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/rehearsal/rehearsal.h>
#include <glocal/hpo/rehearsal/rehearsal_gradient.h>
#include <glocal/hpo/rehearsal/rehearse.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/search_run.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

constexpr std::int64_t search_share = 20;  // a search's rehearsal has T / 20 steps
constexpr std::string_view in_rehearsals = " in rehearsals";

// Plain training with the rate that rehearsals have found, which is phi; `steps` grows by theirs.
hpo::TuneResult rehearsed(const train::Experiment& experiment, const hpo::FlatProblem& problem, const Options& options,
                          std::int64_t& steps) {
  std::vector<double> losses;
  const hpo::Rehearsed found =
      hpo::rehearse(problem, experiment.phi(), rehearsal_options(experiment, options.experiment), losses,
                    [&](const hpo::RehearsalTrial& trial, double) { steps += trial.steps; });
  return hpo::train(problem, hpo::to_leaves({found.u}, experiment.phi()), options.tuning.T);
}

// The same with all that is tuned, by hypergradients.
hpo::TuneResult rehearsed_by_gradient(const train::Experiment& experiment, const hpo::FlatProblem& problem,
                                      const Options& options, std::int64_t& steps) {
  hpo::RehearsalRecord record;
  const auto value = [&](const hpo::RehearsalTrial& trial, double) { steps += trial.steps; };
  const auto gradient = [&](const hpo::GradientTrial& trial, const hpo::GradientOutcome&) {
    steps += hpo::GradientRehearsal::price * trial.steps;
  };
  const std::vector<double> u =
      hpo::rehearse_by_gradient(problem, experiment.phi(), gradient_rehearsal_options(experiment, options.experiment),
                                record, {value, gradient, value});
  return hpo::train(problem, hpo::to_leaves(u, experiment.phi()), options.tuning.T);
}

// A search instead, at the same price: the rate by values before and after it, and its trials are rehearsals.
hpo::TuneResult searched_in_rehearsals(const train::Experiment& experiment, const hpo::FlatProblem& problem,
                                       const Options& options, const std::string& search, std::int64_t& steps) {
  const hpo::GradientRehearsalOptions settings = gradient_rehearsal_options(experiment, options.experiment);
  const Vars phi = experiment.phi();
  const std::int64_t T = options.tuning.T, n = std::max<std::int64_t>(25, T / search_share);
  const auto carried = [&](std::vector<double> u, double from, double to) {
    for (std::size_t k = 0; k < u.size(); ++k) u[k] += settings.drift[k] * std::log(to / from);
    return u;
  };
  std::vector<double> u = hpo::to_components(phi, phi);
  const auto find_rate = [&] {
    std::vector<double> losses;
    const auto count = [&](const hpo::RehearsalTrial& trial, double) { steps += trial.steps; };
    if (settings.lr)
      u[*settings.lr] = hpo::rehearse(problem, hpo::to_leaves(u, phi), *settings.lr, settings.lengths, losses, count).u;
  };
  find_rate();
  const auto in = static_cast<double>(n), whole = static_cast<double>(T);
  hpo::FlatProblem shorter = problem.compressed(n);
  shorter.watch = problem.watch;
  hpo::SearchOptions of = search_options(options, search, hpo::components(phi));
  of.T = n;
  of.budget = static_cast<std::int64_t>(settings.ceiling * whole);
  steps += of.budget;
  const hpo::TuneResult found =
      hpo::search_run(shorter, experiment.space(), hpo::to_leaves(carried(u, whole, in), phi), of, {});
  u = carried(hpo::to_components(found.phi, found.phi), in, whole);
  find_rate();
  return hpo::train(problem, hpo::to_leaves(u, phi), T);
}

hpo::TuneResult run_way(const train::Experiment& experiment, const hpo::FlatProblem& problem, const Options& options,
                        const std::string& estimator, std::int64_t& rehearsal_steps,
                        const std::function<void(const hpo::OuterUpdate&)>& report) {
  const Vars phi = experiment.phi();
  if (is_gradient_rehearsal(estimator)) return rehearsed_by_gradient(experiment, problem, options, rehearsal_steps);
  if (estimator.ends_with(in_rehearsals))
    return searched_in_rehearsals(experiment, problem, options,
                                  estimator.substr(0, estimator.size() - in_rehearsals.size()), rehearsal_steps);
  if (is_rehearsal(estimator)) return rehearsed(experiment, problem, options, rehearsal_steps);
  if (is_plain(estimator)) return hpo::train(problem, phi, options.tuning.T);
  if (hpo::is_search(estimator))
    return hpo::search_run(problem, experiment.space(), phi, search_options(options, estimator, hpo::components(phi)),
                           report);
  hpo::TuneOptions tuning = options.tuning;
  tuning.estimator = estimator;
  return hpo::tune(problem, phi, tuning, report);
}

}  // namespace

Trial run_trial(const train::Experiment& experiment, const Options& options, const std::string& estimator) {
  hpo::FlatProblem problem = experiment.problem();
  const Divergence divergence(experiment, estimator);
  problem.watch = [&, before = 0.0](const Vars& s, std::int64_t t) mutable {
    throw_if_interrupted();
    const double loss = train::Experiment::training_loss(s);
    divergence.check(loss, std::exchange(before, loss), t);
  };
  const Vars phi = experiment.phi();
  Trial trial;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  trial.validation = trial.test = {nan, nan};
  trial.values = experiment.space().values(phi);
  const auto moved = [&](const hpo::OuterUpdate& update) {
    trial.values = experiment.space().values(update.next_phi);
    trial.moves.push_back(
        {update.t, trial.values, update.estimate.h, update.estimate.forecast && update.estimate.forecast->fell_back});
  };
  const Stopwatch clock;
  const double processor = processor_seconds();
  std::int64_t rehearsal_steps = 0;
  try {
    const hpo::TuneResult result = run_way(experiment, problem, options, estimator, rehearsal_steps, moved);
    trial.seconds = clock.seconds();
    trial.processor_seconds = processor_seconds() - processor;
    trial.values = experiment.space().values(result.phi);
    trial.best = result.best;
    trial.peak_bytes = result.peak_bytes;
    if (const std::string bad = experiment.first_non_finite(result.s); !bad.empty())
      fail<DivergedError>("[{}] {} is not finite at the end", estimator, bad);
    trial.validation = experiment.evaluate(result.s, datasets::Part::validation, throw_if_interrupted);
    trial.test = experiment.evaluate(result.s, datasets::Part::test, throw_if_interrupted);
  } catch (const DivergedError& error) {
    trial.failure = error.what();
  } catch (const NumericError& error) {
    trial.failure = error.what();
  }
  const std::int64_t after =
      estimator.ends_with(in_rehearsals) ? options.tuning.T : gradient_evaluations(experiment, options, estimator);
  trial.gradients = static_cast<double>((after + rehearsal_steps) * experiment.gradients_per_step());
  return trial;
}

}  // namespace glocal::app

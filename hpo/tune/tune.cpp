#include <glocal/hpo/tune/tune.h>

#include <cstdint>
#include <functional>
#include <utility>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/memory.h>
#include <glocal/core/stopwatch.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/keep_best.h>
#include <glocal/hpo/tune/tune_state.h>

namespace glocal::hpo {
TuneResult train(const FlatProblem& problem, const Vars& phi, std::int64_t T) {
  reset_peak_memory();
  TuneState state = start_of_run(problem, phi, T);
  return train(problem, state);
}

TuneResult train(const FlatProblem& problem, TuneState& state) {
  const Stopwatch clock;
  reset_peak_memory();
  train_to(problem, state.phi, state.progress, state.progress.T);
  TuneResult result{.s = state.progress.s, .phi = state.phi};
  result.seconds = clock.seconds();
  result.peak_bytes = memory_use().peak_bytes;
  return result;
}

TuneResult tune(const FlatProblem& problem, const Vars& phi, const TuneOptions& options,
                const std::function<void(const OuterUpdate&)>& report) {
  TuneState state = start_of_run(problem, phi, options.T, options.meta);
  return tune(problem, state, options, report);
}

TuneResult tune(const FlatProblem& problem, TuneState& state, const TuneOptions& options,
                const std::function<void(const OuterUpdate&)>& report) {
  if (options.updates < 1) fail<ValueError>("[tune] updates = {} must be at least 1", options.updates);
  const auto estimator = make_estimator(options.estimator, options.estimator_options);
  const Stopwatch clock;
  reset_peak_memory();
  Progress& progress = state.progress;
  const bool from_start = estimator->from_start();

  const auto more = [&] {
    if (from_start) return state.updates < options.updates;
    // The last block cannot use an update, so it is plain training.
    return progress.T - progress.block_start() > options.estimator_options.tau;
  };
  const auto one_block = [&] {
    Estimate estimate = estimator->advance(problem, state.phi, progress);
    state.u = state.meta.step(std::move(state.u), estimate.h);
    state.phi = to_leaves(state.u, state.phi);
    return estimate;
  };
  while (more()) {
    const Stopwatch block;
    const Vars phi = state.phi;
    Estimate estimate = from_start ? update_from_start(problem, *estimator, state) : one_block();
    const OuterUpdate update{state.updates, progress.t, phi, state.phi, std::move(estimate), block.seconds()};
    state.estimate_seconds += update.seconds;
    ++state.updates;
    if (report) report(update);
  }
  if (from_start) begin_last_training(problem, *estimator, state);
  train_to(problem, state.phi, progress, progress.T);
  TuneResult result{progress.s, state.phi, state.meta, state.updates, state.estimate_seconds};
  if (from_start) result.best = best_of(state.scores);
  result.seconds = clock.seconds();
  result.peak_bytes = memory_use().peak_bytes;
  return result;
}

}  // namespace glocal::hpo

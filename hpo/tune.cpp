#include <glocal/hpo/tune.h>

#include <chrono>

#include <glocal/hpo/space.h>

namespace glocal::hpo {
namespace {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

TuneState start_of_run(const FlatProblem& problem, const Vars& phi, std::int64_t T, const MetaOptimizer& meta) {
  if (T < 1) fail<ValueError>("[tune] T = {} must be at least 1 step", T);
  return {.u = to_components(phi, phi), .phi = phi, .meta = meta, .progress = {problem.init(phi), {}, 0, T}};
}

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

  const auto more = [&] {
    if (estimator->from_start()) return state.updates < options.updates;
    // The last block cannot use an update, so it is plain training.
    return progress.T - progress.block_start() > options.estimator_options.tau;
  };
  while (more()) {
    const Stopwatch block;
    OuterUpdate update{state.updates, 0, state.phi, {}, estimator->advance(problem, state.phi, progress)};
    update.t = progress.t;
    state.u = state.meta.step(std::move(state.u), update.estimate.h);
    update.next_phi = state.phi = to_leaves(state.u, update.phi);
    update.seconds = block.seconds();
    state.estimate_seconds += update.seconds;
    ++state.updates;
    if (report) report(update);
  }
  if (estimator->from_start() && progress.t == 0) progress.s = problem.init(state.phi);
  train_to(problem, state.phi, progress, progress.T);
  TuneResult result{progress.s, state.phi, state.meta, state.updates, state.estimate_seconds};
  result.seconds = clock.seconds();
  result.peak_bytes = memory_use().peak_bytes;
  return result;
}

}  // namespace glocal::hpo

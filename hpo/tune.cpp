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

void train_to(const FlatProblem& problem, const Vars& phi, Progress& progress, std::int64_t end) {
  for (; progress.t < end; ++progress.t) {
    progress.s = problem.step(progress.s, phi, progress.t);
    problem.watch(progress.s, progress.t);
  }
}

}  // namespace

TuneResult train(const FlatProblem& problem, const Vars& phi, std::int64_t T) {
  if (T < 1) fail<ValueError>("[train] T = {} must be at least 1 step", T);
  const Stopwatch clock;
  reset_peak_memory();
  Progress progress{problem.init(phi), {}, 0, T};
  train_to(problem, phi, progress, T);
  TuneResult result;
  result.s = std::move(progress.s);
  result.phi = phi;
  result.seconds = clock.seconds();
  result.peak_bytes = memory_use().peak_bytes;
  return result;
}

TuneResult tune(const FlatProblem& problem, const Vars& phi0, const TuneOptions& options,
                const std::function<void(const OuterUpdate&)>& report) {
  if (options.T < 1) fail<ValueError>("[tune] T = {} must be at least 1 step", options.T);
  if (options.updates < 1) fail<ValueError>("[tune] updates = {} must be at least 1", options.updates);
  const auto estimator = make_estimator(options.estimator, options.estimator_options);
  const Stopwatch clock;
  reset_peak_memory();
  TuneResult result;
  result.phi = phi0;
  result.meta = options.meta;
  std::vector<double> u = to_components(phi0, phi0);  // the f64 master copy
  Progress progress{problem.init(phi0), {}, 0, options.T};

  const auto more = [&] {
    if (estimator->from_start()) return result.updates < options.updates;
    // The last block cannot use an update, so it is plain training.
    return progress.T - progress.t > options.estimator_options.tau;
  };
  while (more()) {
    const Stopwatch block;
    OuterUpdate update{result.updates, 0, result.phi, {}, estimator->advance(problem, result.phi, progress)};
    update.t = progress.t;
    u = result.meta.step(std::move(u), update.estimate.h);
    update.next_phi = result.phi = to_leaves(u, phi0);
    update.seconds = block.seconds();
    result.estimate_seconds += update.seconds;
    ++result.updates;
    if (report) report(update);
  }
  if (estimator->from_start()) progress.s = problem.init(result.phi);
  train_to(problem, result.phi, progress, progress.T);
  result.s = std::move(progress.s);
  result.seconds = clock.seconds();
  result.peak_bytes = memory_use().peak_bytes;
  return result;
}

}  // namespace glocal::hpo

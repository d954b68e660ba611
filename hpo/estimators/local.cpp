#include <glocal/hpo/estimators/local.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/cost.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/forward.h>

namespace glocal::hpo {

const char* Local::name() const {
  return start == LocalStart::restart ? "local-restart" : start == LocalStart::warm ? "local" : "local-online";
}

std::int64_t Local::steps(const Progress& progress) const {
  return from_start() ? std::min(tau, progress.T) : progress.block_steps(tau);
}

Estimate Local::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const std::int64_t block = steps(progress);
  const bool online = start == LocalStart::online;
  if (!progress.block && (from_start() || (online && progress.t == 0 && progress.z.empty()))) {
    Pushed init = push_forward(problem.init, phi, unit_directions(phi));  // s_0 may itself depend on phi
    progress.z = std::move(init.dy);
    if (from_start()) progress.s = std::move(init.y);
    if (from_start()) progress.t = 0;
  } else if (!progress.block && (!online || progress.z.empty())) {
    progress.z = zero_tangents(components(phi), progress.s.size());
  }
  ForwardRun run = run_forward(problem, phi, progress, block, trajectory);
  check_finite(name(), problem, phi, run, progress.t);
  Estimate estimate{std::move(run.h), run.outer, run.trajectory, {}};
  if (from_start()) {
    estimate.s = std::move(progress.s);
    progress = {problem.init(phi), {}, 0, progress.T};
  }
  if (!online) progress.z.clear();
  return estimate;
}

Cost Local::cost(const Probe& p, std::int64_t T, std::int64_t updates) const {
  if (!from_start()) return forward_cost(p, T, tau, trajectory ? tau : 1);
  return {static_cast<double>(updates * std::min(T, tau)) * p.forward_seconds + predict_training(p, T).seconds,
          forward_bytes(p)};
}

std::int64_t Local::gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const {
  if (!from_start()) return forward_gradients(q, T, tau, trajectory ? tau : 1);
  return gradients_from_start(T, updates, std::min(T, tau), forward_step_gradients(q));
}

Kept Local::kept(std::int64_t q) const {
  return {
      .block = Kept::Block::tangents, .tangents = q, .online = start == LocalStart::online, .trajectory = trajectory};
}

std::vector<EstimatorKind> Local::kinds() {
  const auto of = [](LocalStart begin) {
    return [begin](const EstimatorOptions& o) { return std::make_unique<Local>(o.tau, begin, o.trajectory); };
  };
  return {{"local", "exact for the next block only, in forward mode; one training run in all", "orange",
           of(LocalStart::warm)},
          {"local-restart", "as local, always from the start", "olive", of(LocalStart::restart)},
          {"local-online", "as local, with tangents kept from block to block", "sky", of(LocalStart::online)}};
}

}  // namespace glocal::hpo

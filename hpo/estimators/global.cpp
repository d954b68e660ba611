#include <glocal/hpo/estimators/global.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/cost.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/local.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/finite.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/hpo/unroll/options.h>
#include <glocal/hpo/unroll/reverse.h>
#include <glocal/hpo/unroll/unroll_plan.h>

namespace glocal::hpo {

namespace {

// The plan may depend on s_0, which may depend on phi.
template <class Plan>
Hypergradient reverse_by(const FlatProblem& problem, const Vars& phi, std::int64_t T, Plan plan_from) {
  const Recording init = record(problem.init, phi);
  ReverseRun run = run_reverse(problem, init.y, phi, 0, T, plan_from(init.y));
  // The initial state may itself depend on phi: dE/dphi += (d_phi init)^T a_0.
  const std::vector<double> through_init = to_components(init.pull(run.adjoint, /*release=*/true), phi);
  for (std::size_t k = 0; k < run.h.size(); ++k) run.h[k] += through_init[k];
  check_finite("global", problem, phi, run.outer, run.h, 0);
  return {std::move(run.h), run.outer, std::move(run.s)};
}

}  // namespace

Hypergradient global_reverse(const FlatProblem& problem, const Vars& phi, std::int64_t T, Unroll unroll) {
  return reverse_by(problem, phi, T, [&](const Vars& s) { return make_plan(problem, s, phi, 0, T, unroll); });
}

Hypergradient global_reverse(const FlatProblem& problem, const Vars& phi, std::int64_t T, const UnrollPlan& plan) {
  return reverse_by(problem, phi, T, [&](const Vars&) { return plan; });
}

UnrollPlan plan_within(const FlatProblem& problem, const Vars& phi, std::int64_t T, std::int64_t budget) {
  const HeldBytes held = held_bytes(problem, problem.init(phi), phi, 0);
  return budget_plan(T, held.step, held.state, budget);
}

Hypergradient global_forward(const FlatProblem& problem, const Vars& phi, std::int64_t T) {
  Pushed init = push_forward(problem.init, phi, unit_directions(phi));
  if (T == 0) {
    OuterGradient now = outer_gradient(problem, init.y, init.dy, phi, 0);
    check_finite("global-forward", problem, phi, now.outer, now.h, 0);
    return {std::move(now.h), now.outer, std::move(init.y)};
  }
  Progress progress{std::move(init.y), std::move(init.dy), 0, T};
  const ForwardRun run = run_forward(problem, phi, progress, T, /*trajectory=*/false);
  const auto finite = [](double h) { return std::isfinite(h); };
  if (!finite(run.outer) || !std::ranges::all_of(run.h, finite)) {
    // Once more, looking after every step, to say which one it was.
    init = push_forward(problem.init, phi, unit_directions(phi));
    run_forward(problem, std::move(init.y), std::move(init.dy), phi, 0, T, /*trajectory=*/true);
  }
  check_finite("global-forward", problem, phi, run, T);
  return {run.h, run.outer, std::move(progress.s)};
}

Estimate Global::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const std::int64_t T = progress.T;
  if (forward) return Local(T, LocalStart::restart, false).advance(problem, phi, progress);
  Hypergradient exact = options.unroll_bytes == 0
                            ? global_reverse(problem, phi, T, options.unroll)
                            : global_reverse(problem, phi, T, plan_within(problem, phi, T, options.unroll_bytes));
  return {std::move(exact.h), exact.outer, {}, {}, {}, std::move(exact.s)};
}

Cost Global::cost(const Probe& p, std::int64_t T, std::int64_t updates) const {
  const Cost training = predict_training(p, T);
  const auto runs = static_cast<double>(updates);
  if (forward) return {p.forward_seconds * static_cast<double>(T) * runs + training.seconds, forward_bytes(p)};
  Cost run = reverse_cost(p, T,
                          options.unroll_bytes > 0 ? budget_plan(T, p.record_bytes, p.state_bytes, options.unroll_bytes)
                          : options.unroll == Unroll::stored ? stored_plan(T)
                                                             : leanest_plan(T, p.record_bytes, p.state_bytes));
  run.bytes += p.state_bytes;  // of tune, which is at s_0 meanwhile
  return {run.seconds * runs + training.seconds, run.bytes};
}

std::int64_t Global::gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const {
  // A step in reverse is a Hessian-vector product beside the gradient that is recorded, and is run once more where its
  // record was not kept.
  const std::int64_t reverse = options.unroll == Unroll::stored && options.unroll_bytes == 0 ? 3 : 4;
  return gradients_from_start(T, updates, T, forward ? forward_step_gradients(q) : reverse);
}

Kept Global::kept(std::int64_t q) const {
  if (!forward) return {.block = Kept::Block::none};
  return {.block = Kept::Block::tangents, .tangents = q, .trajectory = options.trajectory};
}

std::vector<EstimatorKind> Global::kinds() {
  return {{"global", "exact: the whole run in reverse mode; whole runs from the start", "vermillion",
           [](const auto& o) { return std::make_unique<Global>(false, o); }},
          {"global-forward", "the same in forward mode, for few hyperparameters", "brown",
           [](const auto& o) { return std::make_unique<Global>(true, o); }}};
}

}  // namespace glocal::hpo

#include <glocal/hpo/estimators/cost.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/memory.h>
#include <glocal/core/text/nearest.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/hpo/unroll/implicit_solve.h>
#include <glocal/hpo/unroll/reverse.h>
#include <glocal/hpo/unroll/unroll_plan.h>

namespace glocal::hpo {
namespace {

struct Measured {
  double seconds = 0;
  std::int64_t peak_bytes = 0;  // above what was live before
};

// The best of three runs: the first one warms caches and the memory pool, and others may share the machine.
template <class F>
Measured measure(F&& run) {
  Measured best{std::numeric_limits<double>::infinity(), 0};
  for (int i = 0; i < 3; ++i) {
    const std::int64_t live = memory_use().live_bytes;
    reset_peak_memory();
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = {std::min(best.seconds, time.count()), memory_use().peak_bytes - live};
  }
  return best;
}

std::int64_t bytes_of(In leaves) {
  std::int64_t bytes = 0;
  for (const Var& leaf : leaves)
    if (leaf) bytes += leaf.value().bytes();
  return bytes;
}

}  // namespace

Probe probe(const FlatProblem& problem, const Vars& phi) {
  Probe p;
  p.q = components(phi);
  p.base_bytes = memory_use().live_bytes;
  const Vars s0 = problem.init(phi);
  const std::size_t n = s0.size();
  p.state_bytes = bytes_of(s0);

  // At s_1 every optimiser buffer is in use, which it may not be at s_0.
  Vars s = problem.step(s0, phi, 0);
  const Measured plain = measure([&] { problem.step(s, phi, 1); });
  p.step_seconds = plain.seconds;
  p.step_bytes = plain.peak_bytes + p.state_bytes;

  const auto record_one = [&] { return record(joint_step(problem, n, 1), joined(s, phi)); };
  p.record_seconds = measure(record_one).seconds;
  const std::int64_t live = memory_use().live_bytes;
  const Recording step = record_one();
  p.record_bytes = memory_use().live_bytes - live;
  Vars a;
  for (const Var& leaf : step.y) a.push_back(ones_like(leaf));
  const Measured pulled = measure([&] { step.pull(a); });
  p.pull_bytes = pulled.peak_bytes + p.state_bytes;
  p.pull_seconds = pulled.seconds;

  // A few tangents tell what many cost: they cost alike.
  constexpr std::size_t enough = 16;
  Vars ones;
  for (const Var& leaf : phi) ones.push_back(ones_like(leaf));
  const std::vector<Vars> units = p.q <= std::int64_t(enough) ? unit_directions(phi) : std::vector<Vars>(enough, ones);
  const std::int64_t tangents = std::ssize(units);
  Tangents z = zero_tangents(tangents, n);
  // The first pass makes Z dense, as it is from the second step on.
  const auto tangent_step = [&](const Tangents& now) {
    std::vector<Vars> dx;
    for (std::size_t k = 0; k < units.size(); ++k) dx.push_back(joined(now[k], units[k]));
    return push_forward(joint_step(problem, n, 1), joined(s, phi), dx);
  };
  z = tangent_step(z).dy;
  const Measured forward = measure([&] { tangent_step(z); });
  p.forward_seconds = forward.seconds;
  p.forward_bytes = forward.peak_bytes + p.state_bytes * (1 + tangents);
  if (p.q > tangents) {
    const double times = static_cast<double>(p.q) / static_cast<double>(tangents);
    p.forward_seconds = p.step_seconds + std::max(0.0, p.forward_seconds - p.step_seconds) * times;
    p.forward_bytes = p.step_bytes + static_cast<std::int64_t>(double(p.forward_bytes - p.step_bytes) * times);
  }
  const Measured outer = measure([&] { outer_gradient(problem, s, z, phi, 0); });
  p.outer_seconds = outer.seconds;
  p.outer_bytes = outer.peak_bytes;
  p.value_seconds = measure([&] { problem.outer(s, phi, 0); }).seconds;
  return p;
}

Cost predict_training(const Probe& p, std::int64_t T) {
  return {p.step_seconds * static_cast<double>(T), p.base_bytes + p.step_bytes};
}

Cost predict(const Probe& p, const std::string& name, const EstimatorOptions& o, std::int64_t T, std::int64_t updates) {
  const std::string estimator = cost_name(name);
  const Cost training = predict_training(p, T);
  const auto steps = static_cast<double>(T);
  const std::int64_t blocks = std::max<std::int64_t>(0, (T - 1) / o.tau);
  const auto estimates = static_cast<double>(blocks);
  const double forward_step = p.forward_seconds;
  // E is differentiated beside the state and its q tangents.
  const std::int64_t forward_bytes =
      p.base_bytes + std::max(p.forward_bytes, p.state_bytes * (1 + p.q) + p.outer_bytes);
  const auto reverse = [&](std::int64_t n, const UnrollPlan& plan) -> Cost {
    return {static_cast<double>(plain_steps(plan, n)) * p.step_seconds +
                static_cast<double>(n) * (p.record_seconds + p.pull_seconds) + p.outer_seconds,
            p.base_bytes + plan_bytes(plan, n, p.record_bytes, p.state_bytes) + std::max(p.pull_bytes, p.outer_bytes)};
  };

  Cost cost;
  if (estimator == "global") {
    cost = reverse(T, o.unroll_bytes > 0           ? budget_plan(T, p.record_bytes, p.state_bytes, o.unroll_bytes)
                      : o.unroll == Unroll::stored ? stored_plan(T)
                                                   : leanest_plan(T, p.record_bytes, p.state_bytes));
    cost.seconds = cost.seconds * static_cast<double>(updates) + training.seconds;
    cost.bytes += p.state_bytes;  // of tune, which is at s_0 meanwhile
  } else if (estimator == "global-forward") {
    cost = {forward_step * steps * static_cast<double>(updates) + training.seconds, forward_bytes};
  } else if (estimator == "local-restart") {
    cost = {static_cast<double>(updates * std::min(T, o.tau)) * forward_step + training.seconds, forward_bytes};
  } else if (estimator == "truncated" || estimator == "one-step") {
    const std::int64_t K = estimator == "one-step" ? 1 : std::min(o.K, o.tau);
    cost = reverse(K, segment_plan(K));
    cost.seconds = estimates * cost.seconds + (steps - estimates * static_cast<double>(K)) * p.step_seconds;
  } else if (estimator == "es" || estimator == "pes") {
    // Two runs of the block per pair beside training; pes keeps the states of all pairs beside those of the one that
    // runs.
    const auto runs = static_cast<double>(2 * o.particles + 1);
    cost = {training.seconds +
                estimates * (static_cast<double>(o.tau) * (runs - 1) * p.step_seconds + runs * p.value_seconds),
            training.bytes + p.state_bytes * (estimator == "pes" ? 2 * o.particles + 2 : 2)};
  } else if (estimator == "hypergradient-descent") {
    // In a block the loss of each step is differentiated twice, the second time with the update still recorded.
    cost = {training.seconds + estimates * (static_cast<double>(o.tau) * p.step_seconds + p.value_seconds),
            p.base_bytes + p.step_bytes + 2 * p.state_bytes};
  } else if (estimator.starts_with("implicit-")) {
    // A block of training, the gradient recorded, and products that cost about what the adjoint of a step costs.
    const ImplicitOptions& i = o.implicit;
    const std::int64_t power_iterations = estimator == "implicit-neumann" && i.step == 0 ? 10 : 0;
    const std::int64_t products = (estimator == "implicit-nystrom" ? i.columns : i.iterations) + 2 + power_iterations;
    const auto batches = static_cast<double>(i.batches);
    const double solve = p.step_seconds + p.record_seconds + static_cast<double>(products) * p.pull_seconds;
    // The solvers' f64 vectors take no more than a state each where a buffer stands beside each f32 parameter.
    const std::int64_t vectors = estimator == "implicit-nystrom" ? 3 * i.columns + 4 : 8;
    cost = {training.seconds + estimates * (batches * solve + p.outer_seconds),
            p.base_bytes + i.batches * p.record_bytes + vectors * p.state_bytes +
                std::max(i.batches * p.pull_bytes, p.outer_bytes)};
  } else if (estimator == "random-forward") {
    const double tau = static_cast<double>(o.tau),
                 share = double(o.directions) / double(std::max<std::int64_t>(1, p.q));
    const double step = p.step_seconds + (forward_step - p.step_seconds) * share;
    const double tangent_bytes = static_cast<double>(p.forward_bytes - p.step_bytes) * share;
    const double outers = o.trajectory ? tau : 1;
    cost = {estimates * (tau * step + outers * p.outer_seconds) + (steps - estimates * tau) * p.step_seconds,
            p.base_bytes + std::max(p.step_bytes + static_cast<std::int64_t>(tangent_bytes),
                                    p.state_bytes * (1 + o.directions) + p.outer_bytes)};
  } else if (estimator != "local" && estimator != "local-online" && estimator != "glocal") {
    fail<ValueError>("[cost] no prediction: {}",
                     unknown_name(estimator, "estimator", estimator_names(), "glocal list estimators"));
  } else {
    // q tangents through every block but the last.
    const double tau = static_cast<double>(o.tau);
    const double outers = estimator == "glocal" || o.trajectory ? tau : 1;
    cost = {estimates * (tau * forward_step + outers * p.outer_seconds) + (steps - estimates * tau) * p.step_seconds,
            forward_bytes};
  }
  cost.bytes = std::max(cost.bytes, training.bytes);
  const bool from_start = estimator.starts_with("global") || estimator == "local-restart";
  if (from_start && updates > 1) cost.bytes += p.state_bytes;  // of the best run so far
  return cost;
}

void refuse_above(std::int64_t limit_bytes, const Probe& p, const std::string& estimator, const EstimatorOptions& o,
                  std::int64_t T, std::int64_t updates) {
  const std::int64_t needed = predict(p, estimator, o, T, updates).bytes;
  if (needed <= limit_bytes) return;
  std::string fits;
  for (const std::string& other : estimator_names())
    if (predict(p, other, o, T, updates).bytes <= limit_bytes) fits += (fits.empty() ? "" : ", ") + other;
  fail<MemoryError>("[cost] {} over {} steps needs about {:.1f} MB, the limit is {:.1f} MB; {}", estimator, T,
                    static_cast<double>(needed) * 1e-6, static_cast<double>(limit_bytes) * 1e-6,
                    fits.empty() ? "no estimator fits: use a smaller batch or model" : "these would fit: " + fits);
}

}  // namespace glocal::hpo

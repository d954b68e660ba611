#include <glocal/hpo/estimators/probe.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/memory.h>
#include <glocal/core/stopwatch.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/forward.h>

namespace glocal::hpo {
namespace {

struct Measured {
  double seconds = 0;
  std::int64_t peak_bytes = 0;  // above what was live before
};

// The best of three runs: the first one warms caches and the memory pool, and others may share the machine. Where one
// takes seconds, neither counts.
template <class F>
Measured measure(F&& run) {
  constexpr double long_enough = 2;
  Measured best{std::numeric_limits<double>::infinity(), 0};
  const Stopwatch all;
  for (int i = 0; i < 3 && (i == 0 || all.seconds() < long_enough); ++i) {
    const std::int64_t live = memory_use().live_bytes;
    reset_peak_memory();
    const Stopwatch clock;
    run();
    best = {std::min(best.seconds, clock.seconds()), memory_use().peak_bytes - live};
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

namespace {

// Plain steps; s is the state after the first.
Probe probe_steps(const FlatProblem& problem, const Vars& phi, Vars& s) {
  Probe p;
  p.q = components(phi);
  p.base_bytes = memory_use().live_bytes;
  const Vars s0 = problem.init(phi);
  p.state_bytes = bytes_of(s0);
  // At s_1 every optimiser buffer is in use, which it may not be at s_0.
  s = problem.step(s0, phi, 0);
  const Measured plain = measure([&] { problem.step(s, phi, 1); });
  p.step_seconds = plain.seconds;
  p.step_bytes = plain.peak_bytes + p.state_bytes;
  return p;
}

}  // namespace

Probe probe_training(const FlatProblem& problem, const Vars& phi) {
  Vars s;
  return probe_steps(problem, phi, s);
}

Probe probe(const FlatProblem& problem, const Vars& phi) {
  Vars s;
  Probe p = probe_steps(problem, phi, s);
  const std::size_t n = s.size();
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

}  // namespace glocal::hpo

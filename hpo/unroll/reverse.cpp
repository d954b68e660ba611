#include <glocal/hpo/unroll/reverse.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/memory.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/finite.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/unroll/options.h>
#include <glocal/hpo/unroll/unroll_plan.h>

namespace glocal::hpo {
namespace {

bool finite(const Var& leaf) { return !leaf || is_finite(leaf.value()); }

// The adjoint of the state and the sum over the steps so far, as the walk goes back.
struct Carried {
  Vars a, g;

  void pull(const Recording& step) {
    const std::size_t n = a.size();
    const Vars gradient = step.pull(a, /*release=*/true);
    a.assign(gradient.begin(), gradient.begin() + static_cast<std::ptrdiff_t>(n));
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = plus(g[i], gradient[n + i]);
  }
};

Carried outer_adjoint(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t block, double& outer) {
  const std::size_t n = s.size();
  const Recording recording = record(joint_outer(problem, n, block), joined(s, phi));
  outer = recording.y[0].item();
  const Vars one{ones_like(recording.y[0])};
  Vars gradient = recording.pull(one, /*release=*/true);
  return {{gradient.begin(), gradient.begin() + static_cast<std::ptrdiff_t>(n)},
          {gradient.begin() + static_cast<std::ptrdiff_t>(n), gradient.end()}};
}

// Walks the segments of a plan from the last to the first.
struct Walk {
  const FlatProblem& problem;
  const Vars& phi;
  std::int64_t t0, T;
  const UnrollPlan& plan;
  ReverseRun result{};
  Carried adjoint{};
  const Vars* start = nullptr;
  std::int64_t reached = 0;  // steps that training itself has made; whatever lies before is a replay

  ReverseRun run(const Vars& s0) {
    start = &s0;
    if (T == 0)
      finish(s0);
    else
      back(0, (T + plan.segment - 1) / plan.segment, s0, plan.states);
    result.h = to_components(adjoint.g, phi);
    result.adjoint = std::move(adjoint.a);
    return std::move(result);
  }

  // The segments [first, end), from the state s at the start of `first`, which is one of the `states` that may be kept.
  void back(std::int64_t first, std::int64_t end, Vars s, std::int64_t states) {
    while (end - first > 1 && states > 1) {
      const std::int64_t middle = first + next_state(end - first, states);
      back(middle, end, advanced(s, first, middle), states - 1);
      end = middle;
    }
    for (std::int64_t k = end - 1; k > first; --k) pull_segment(k, advanced(s, first, k));
    pull_segment(first, std::move(s));
  }

  // The state at the start of segment `to`, by plain steps from that of segment `from`.
  Vars advanced(Vars s, std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from * plan.segment; i < to * plan.segment; ++i) {
      s = problem.step(s, phi, t0 + i);
      seen(s, i);
    }
    return s;
  }

  void pull_segment(std::int64_t k, Vars s) {
    std::vector<Recording> steps;
    const std::int64_t end = std::min(T, (k + 1) * plan.segment);
    for (std::int64_t i = k * plan.segment; i < end; ++i) {
      steps.push_back(record(joint_step(problem, s.size(), t0 + i), joined(s, phi)));
      s = steps.back().y;
      seen(s, i);
    }
    if (end == T) finish(std::move(s));
    for (s.clear(); !steps.empty(); steps.pop_back()) {
      problem.poll();
      adjoint.pull(steps.back());
      if (!std::ranges::all_of(adjoint.g, finite))
        check_finite("reverse", problem, phi, result.outer, to_components(adjoint.g, phi),
                     t0 + k * plan.segment + std::ssize(steps));
    }
  }

  // Says where the state left the finite numbers, by running again from the start.
  [[noreturn]] void refuse() const {
    Vars s = *start;
    std::int64_t left = 0;
    while (left < T && std::ranges::all_of(s, finite)) s = problem.step(s, phi, t0 + left++);
    fail<NumericError>("[reverse] E is {} at step {}, and the state {}; start from a smaller learning rate",
                       result.outer, t0 + T,
                       std::ranges::all_of(s, finite) ? std::string("is finite")
                                                      : fmt::format("left the finite numbers at step {}", t0 + left));
  }

  void finish(Vars s) {
    adjoint = outer_adjoint(problem, s, phi, t0, result.outer);
    if (!std::isfinite(result.outer)) refuse();
    result.s = std::move(s);
  }

  void seen(const Vars& s, std::int64_t i) {
    if (i < reached) return;
    reached = i + 1;
    problem.watch(s, t0 + i);
  }
};

}  // namespace

ReverseRun run_reverse(const FlatProblem& problem, const Vars& s0, const Vars& phi, std::int64_t t0, std::int64_t T,
                       const UnrollPlan& plan) {
  if (T < 0 || plan.segment < 1 || plan.states < 1)
    fail<ValueError>("[reverse] T = {}, segment = {} and states = {}: T >= 0 and the others >= 1 are needed", T,
                     plan.segment, plan.states);
  return Walk{problem, phi, t0, T, plan}.run(s0);
}

HeldBytes held_bytes(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t) {
  HeldBytes held;
  for (const Var& leaf : s) held.state += leaf.value().bytes();
  const std::int64_t live = memory_use().live_bytes;
  const Recording step = record(joint_step(problem, s.size(), t), joined(s, phi));
  held.step = memory_use().live_bytes - live;
  return held;
}

UnrollPlan make_plan(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t0, std::int64_t T,
                     Unroll unroll) {
  constexpr std::int64_t worth_measuring = 32;
  if (unroll == Unroll::stored) return stored_plan(T);
  if (T < worth_measuring) return segment_plan(T);
  const HeldBytes held = held_bytes(problem, s, phi, t0);
  return leanest_plan(T, held.step, held.state);
}

ReverseRun run_reverse(const FlatProblem& problem, const Vars& s0, const Vars& phi, std::int64_t t0, std::int64_t T,
                       Unroll unroll) {
  return run_reverse(problem, s0, phi, t0, T, make_plan(problem, s0, phi, t0, T, unroll));
}

}  // namespace glocal::hpo

#include <glocal/hpo/unroll/unroll_plan.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <glocal/core/error.h>

namespace glocal::hpo {
namespace {

constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max() / 4;

// beta(c, r) = (c + r)! / (c! r!): segments that c states reach when none is run more than r times; saturates.
std::int64_t reach(std::int64_t c, std::int64_t r) {
  if (r < 0) return 0;
  double product = 1;
  for (std::int64_t i = 1, k = std::min(c, r); i <= k; ++i)
    product = product * static_cast<double>(std::max(c, r) + i) / static_cast<double>(i);
  return product < 1e15 ? std::llround(product) : huge;
}

// The least r with n <= beta(c, r).
std::int64_t repetitions(std::int64_t n, std::int64_t c) {
  if (c == 1) return n - 1;  // beta(1, r) = r + 1
  std::int64_t r = 0;
  while (reach(c, r) < n) ++r;
  return r;
}

std::int64_t segments(const UnrollPlan& plan, std::int64_t T) { return (T + plan.segment - 1) / plan.segment; }

}  // namespace

UnrollPlan stored_plan(std::int64_t T) { return {std::max<std::int64_t>(T, 1), 1}; }

UnrollPlan segment_plan(std::int64_t T, std::int64_t segment) {
  if (T < 0 || segment < 0) fail<ValueError>("[unroll] T = {} and segment = {} must not be negative", T, segment);
  if (segment == 0) segment = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(T))));
  segment = std::max<std::int64_t>(segment, 1);
  return {segment, std::max<std::int64_t>(1, (T + segment - 1) / segment)};
}

UnrollPlan leanest_plan(std::int64_t T, std::int64_t step_bytes, std::int64_t state_bytes) {
  UnrollPlan best = segment_plan(T, 1);
  const auto bytes = [&](const UnrollPlan& plan) { return plan_bytes(plan, T, step_bytes, state_bytes); };
  for (std::int64_t segment = 2; segment <= T; ++segment)
    if (const UnrollPlan plan = segment_plan(T, segment); bytes(plan) < bytes(best)) best = plan;
  return best;
}

UnrollPlan budget_plan(std::int64_t T, std::int64_t step_bytes, std::int64_t state_bytes, std::int64_t budget) {
  if (step_bytes < 1 || state_bytes < 1)
    fail<ValueError>("[unroll] a step of {} and a state of {} bytes must be positive", step_bytes, state_bytes);
  if (step_bytes + state_bytes > budget)
    fail<MemoryError>("[unroll] one recorded step and one state need {} bytes, the budget is {}; raise it",
                      step_bytes + state_bytes, budget);
  UnrollPlan best;
  std::int64_t fewest = huge;
  for (std::int64_t segment = 1; segment <= std::max<std::int64_t>(T, 1); ++segment) {
    const std::int64_t states = (budget - segment * step_bytes) / state_bytes;
    if (segment * step_bytes > budget || states < 1) break;
    UnrollPlan plan{segment, states};
    plan.states = std::clamp<std::int64_t>(states, 1, std::max<std::int64_t>(1, segments(plan, T)));
    const std::int64_t steps = plain_steps(plan, T);
    if (steps >= fewest) continue;
    fewest = steps;
    best = plan;
  }
  return best;
}

// t(n, c) = r n - beta(c + 1, r - 1) segments (Griewank & Walther, proposition 1).
std::int64_t plain_steps(const UnrollPlan& plan, std::int64_t T) {
  const std::int64_t n = segments(plan, T), r = repetitions(n, plan.states);
  if (n <= 1) return 0;
  const std::int64_t runs = plan.states == 1 ? n * (n - 1) / 2 : r * n - reach(plan.states + 1, r - 1);
  return runs * plan.segment;  // only the last segment can be shorter, and it is recorded at once
}

std::int64_t plan_bytes(const UnrollPlan& plan, std::int64_t T, std::int64_t step_bytes, std::int64_t state_bytes) {
  return std::min(plan.segment, T) * step_bytes + plan.states * state_bytes;
}

std::int64_t next_state(std::int64_t n, std::int64_t states) {
  const std::int64_t r = repetitions(n, states);
  return std::clamp<std::int64_t>(std::min(reach(states, r - 1), n - reach(states - 1, r - 1)), 1, n - 1);
}

}  // namespace glocal::hpo

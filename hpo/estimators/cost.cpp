#include <glocal/hpo/estimators/cost.h>

#include <algorithm>
#include <cstdint>

#include <glocal/core/shape.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/unroll/unroll_plan.h>

namespace glocal::hpo {

Blocks blocks_of(std::int64_t T, std::int64_t tau) {
  const std::int64_t count = std::max<std::int64_t>(0, (T - 1) / tau);
  return {count, T - count * tau};
}

std::int64_t forward_bytes(const Probe& p) {
  return p.base_bytes + std::max(p.forward_bytes, p.state_bytes * (1 + p.q) + p.outer_bytes);
}

Cost forward_cost(const Probe& p, std::int64_t T, std::int64_t tau, std::int64_t outers) {
  const Blocks blocks = blocks_of(T, tau);
  return {static_cast<double>(blocks.count) *
                  (static_cast<double>(tau) * p.forward_seconds + static_cast<double>(outers) * p.outer_seconds) +
              static_cast<double>(blocks.rest) * p.step_seconds,
          forward_bytes(p)};
}

Cost reverse_cost(const Probe& p, std::int64_t n, const UnrollPlan& plan) {
  return {static_cast<double>(plain_steps(plan, n)) * p.step_seconds +
              static_cast<double>(n) * (p.record_seconds + p.pull_seconds) + p.outer_seconds,
          p.base_bytes + plan_bytes(plan, n, p.record_bytes, p.state_bytes) + std::max(p.pull_bytes, p.outer_bytes)};
}

std::int64_t forward_step_gradients(std::int64_t q) { return checked_mul(2, q) + 1; }

std::int64_t gradients_in_blocks(std::int64_t T, std::int64_t tau, std::int64_t each) {
  const Blocks blocks = blocks_of(T, tau);
  return checked_mul(blocks.count, each) + blocks.rest;
}

std::int64_t forward_gradients(std::int64_t q, std::int64_t T, std::int64_t tau, std::int64_t outers) {
  return gradients_in_blocks(T, tau, checked_mul(forward_step_gradients(q), tau) + outers);
}

std::int64_t gradients_from_start(std::int64_t T, std::int64_t updates, std::int64_t steps, std::int64_t price) {
  return checked_mul(updates, checked_mul(price, steps) + 1) + T;
}

}  // namespace glocal::hpo

#include <algorithm>
#include <cstdint>
#include <string>

#include <glocal/core/error.h>
#include <glocal/core/shape.h>
#include <glocal/core/text/nearest.h>
#include <glocal/hpo/estimators/cost.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/unroll/reverse.h>

namespace glocal::hpo {

std::int64_t gradient_evaluations(const std::string& name, const EstimatorOptions& o, std::int64_t q, std::int64_t T,
                                  std::int64_t updates) {
  const std::string estimator = cost_name(name);
  const std::int64_t tau = o.tau, K = std::min(estimator == "one-step" ? 1 : o.K, tau);
  // Each tangent of a step is a Hessian-vector product, two gradients. A step in reverse is one too, beside the
  // gradient that is recorded, and run once more where its record was not kept.
  const std::int64_t forward = checked_mul(2, q) + 1;
  const std::int64_t reverse = o.unroll == Unroll::stored && o.unroll_bytes == 0 ? 3 : 4;
  const auto from_start = [&](std::int64_t steps, std::int64_t price) {
    return checked_mul(updates, checked_mul(price, steps) + 1) + T;
  };
  const std::int64_t blocks = std::max<std::int64_t>(0, (T - 1) / tau), rest = T - blocks * tau;
  const auto in_blocks = [&](std::int64_t price) { return checked_mul(blocks, price) + rest; };

  if (estimator == "global") return from_start(T, reverse);
  if (estimator == "global-forward") return from_start(T, forward);
  if (estimator == "local-restart") return from_start(std::min(T, tau), forward);
  const std::int64_t outers = estimator == "glocal" || o.trajectory ? tau : 1;
  if (estimator == "local" || estimator == "local-online" || estimator == "glocal")
    return in_blocks(checked_mul(forward, tau) + outers);
  if (estimator == "truncated" || estimator == "one-step") return in_blocks(tau + 3 * K + 1);
  if (estimator == "random-forward") return in_blocks(checked_mul(2 * o.directions + 1, tau) + outers);
  if (estimator == "es" || estimator == "pes") return in_blocks(checked_mul(2 * o.particles + 1, tau));
  if (estimator == "hypergradient-descent") return in_blocks(2 * tau);
  // A product is averaged over `batches` batches, and so is the derivative of grad L along x; cg and neumann at their
  // most, with one product to check and ten power iterations.
  const auto implicit = [&](std::int64_t products) {
    return in_blocks(tau + 1 + checked_mul(2 * o.implicit.batches, products + 1));
  };
  if (estimator == "implicit-cg") return implicit(o.implicit.iterations + 1);
  if (estimator == "implicit-neumann") return implicit(o.implicit.iterations + (o.implicit.step == 0 ? 11 : 1));
  if (estimator == "implicit-nystrom") return implicit(o.implicit.columns);
  fail<ValueError>("[cost] no count of gradient evaluations: {}",
                   unknown_name(estimator, "estimator", estimator_names(), "glocal list estimators"));
}

}  // namespace glocal::hpo

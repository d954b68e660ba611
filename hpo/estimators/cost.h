// Arithmetic that the costs of several estimators share: seconds and bytes of a probe, and gradient evaluations.
//
// A gradient evaluation is a gradient of the training loss on a batch (a plain step is 1) or of E; a Hessian-vector
// product is 2, values of E are free.
#pragma once
#include <cstdint>

#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/unroll/unroll_plan.h>

namespace glocal::hpo {

/// The blocks of tau steps of a run of T.
struct Blocks {
  std::int64_t count = 0;  ///< that end with an update; the last one of the run does not
  std::int64_t rest = 0;   ///< steps of plain training after them
};
Blocks blocks_of(std::int64_t T, std::int64_t tau);

/// Peak bytes with q tangents: of a step, or of E differentiated beside the state and its tangents.
std::int64_t forward_bytes(const Probe& probe);
/// q tangents through every block, and `outers` gradients of E in each; plain training after them.
Cost forward_cost(const Probe& probe, std::int64_t T, std::int64_t tau, std::int64_t outers);
/// n steps in reverse by a plan, and one gradient of E.
Cost reverse_cost(const Probe& probe, std::int64_t n, const UnrollPlan& plan);

/// Of a step with q tangents: each is a Hessian-vector product. Throws ShapeError beyond 2^63, as all below.
std::int64_t forward_step_gradients(std::int64_t q);
/// Of blocks that take `each`, and plain training after them.
std::int64_t gradients_in_blocks(std::int64_t T, std::int64_t tau, std::int64_t each);
/// The same for what forward_cost is of.
std::int64_t forward_gradients(std::int64_t q, std::int64_t T, std::int64_t tau, std::int64_t outers);
/// Of `updates` runs of `steps` steps from the start at `price` a step, with a gradient of E each, and the training
/// after them.
std::int64_t gradients_from_start(std::int64_t T, std::int64_t updates, std::int64_t steps, std::int64_t price);

}  // namespace glocal::hpo

// How to unroll, and how to solve: what passes through training may be told.
#pragma once
#include <cstdint>

namespace glocal::hpo {

/// What an unroll keeps: `stored` every recorded step, O(P T); `checkpointed` one state per segment of O(sqrt T) steps,
/// recorded again one segment at a time in the backward pass, O(P sqrt T); or any UnrollPlan. The same bits whatever is
/// kept.
enum class Unroll { checkpointed, stored };

struct ImplicitOptions {
  enum class Sketch { columns, gaussian };

  std::int64_t iterations = 20;     ///< cg and neumann: most products with the Hessian
  double tolerance = 1e-6;          ///< cg and neumann: of |b - A x| / |b|
  double damping = 0.01;            ///< rho >= 0, added to the Hessian; nystrom needs rho > 0
  double step = 0;                  ///< neumann: alpha; 0: 1 / (largest eigenvalue, by power iterations)
  std::int64_t columns = 10;        ///< nystrom: k, products with the Hessian
  Sketch sketch = Sketch::columns;  ///< nystrom: k random columns of the Hessian, or its products with k Gaussians
  std::int64_t batches = 1;         ///< training batches over which the loss is averaged
};

}  // namespace glocal::hpo

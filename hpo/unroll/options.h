// How to unroll, pull a step, and solve: what passes through training may be told.
#pragma once
#include <cstdint>

namespace glocal::hpo {

/// What an unroll keeps: `stored` every recorded step, O(P T); `checkpointed` one state per segment of O(sqrt T) steps,
/// recorded again one segment at a time on the way back, O(P sqrt T); or any UnrollPlan. The same bits whatever is
/// kept.
enum class Unroll { checkpointed, stored };

/// How a step is pulled. `reverse`: reverse mode through the step, which holds a reverse sweep itself. `mixed`: for
/// s' = update(s, g, phi) with g = grad loss, reverse mode through the update, b = (d_g s')^T a, and then forward over
/// reverse: (d_s g)^T b = H b and (d_phi g)^T b are the tangent of the loss's gradient in (s, phi) along (b, 0), since
/// second derivatives are symmetric. `measured`: the faster of the two on one step. Equal up to rounding.
enum class Adjoint { reverse, mixed, measured };

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

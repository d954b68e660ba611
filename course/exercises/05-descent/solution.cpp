// Gradient descent in a curved valley.
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;

// w = (x, y) as a Var of shape (2,): (1 - x)^2 + 10 (y - x^2)^2, one number.
inline Var valley(const Var& w) {
  // BEGIN SOLUTION
  const Var x = slice(w, 0, 0, 1), y = slice(w, 0, 1, 2);
  return sum(square(1.0 - x) + 10.0 * square(y - square(x)));
  // END SOLUTION
}

// w_0, w_1, ..., w_T.
inline std::vector<Var> descend(const Var& start, double lr, int T) {
  // BEGIN SOLUTION
  std::vector<Var> path{start};
  for (int t = 0; t < T; ++t) path.push_back(path.back() - lr * grad(valley)(path.back()));
  return path;
  // END SOLUTION
}

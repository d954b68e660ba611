// Second derivatives by nesting the two modes.
#include <functional>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;
using Loss = std::function<Var(const Var&)>;

// H(x) v, shaped as x.
inline Var hessian_times(const Loss& f, const Var& x, const Var& v) {
  // BEGIN SOLUTION
  return jvp(grad(f), x, v).second;
  // END SOLUTION
}

// v^T H v / v^T v.
inline double curvature(const Loss& f, const Var& x, const Var& v) {
  // BEGIN SOLUTION
  return dot(v, hessian_times(f, x, v)).item() / dot(v, v).item();
  // END SOLUTION
}

// The eigenvalue of H of largest size, by `iterations` power iterations from v.
inline double largest_eigenvalue(const Loss& f, const Var& x, Var v, int iterations) {
  // BEGIN SOLUTION
  for (int i = 0; i < iterations; ++i) {
    const Var next = hessian_times(f, x, v);
    v = next / sqrt(dot(next, next));
  }
  return curvature(f, x, v);
  // END SOLUTION
}

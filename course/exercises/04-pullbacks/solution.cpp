// Pullbacks by hand: gy = dL/dy in, gx = dL/dx out.
#include <utility>

#include <glocal/autodiff/ops.h>

#include "exercise.h"

using glocal::Var;

// y = A B with A (M, K), B (K, N); gy (M, N). Returns (gA, gB).
inline std::pair<Var, Var> matmul_pullback(const Var& a, const Var& b, const Var& gy) {
  // BEGIN SOLUTION
  return {matmul(gy, transpose(b)), matmul(transpose(a), gy)};
  // END SOLUTION
}

// y = max(x, 0), of any shape.
inline Var relu_pullback(const Var& x, const Var& gy) {
  // BEGIN SOLUTION
  return gy * relu(sign(x));
  // END SOLUTION
}

// y = the mean of all of x; gy is one number.
inline Var mean_pullback(const Var& x, const Var& gy) {
  // BEGIN SOLUTION
  return broadcast_to(gy / static_cast<double>(x.size()), x.shape());
  // END SOLUTION
}

// y = x / |x| for a vector x (N,), |x| its Euclidean length.
inline Var normalise_pullback(const Var& x, const Var& gy) {
  // BEGIN SOLUTION
  const Var length = sqrt(dot(x, x));
  const Var y = x / length;
  return (gy - y * dot(y, gy)) / length;
  // END SOLUTION
}

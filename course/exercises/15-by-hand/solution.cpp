// The hypergradient of gradient descent on a w^2 / 2, in closed form and by differentiation of the loop.
#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;

// E = w_T^2 / 2 after T steps w <- w - lr a w from w0, as a function of the learning rate (one number, a Var).
inline Var trained(const Var& lr, double a, double w0, int T) {
  // BEGIN SOLUTION
  Var w = Tensor::scalar(w0, DType::f64);
  for (int t = 0; t < T; ++t) w = w - lr * (a * w);
  return square(w) / 2.0;
  // END SOLUTION
}

// dE / dlr by the formula.
inline double by_hand(double lr, double a, double w0, int T) {
  // BEGIN SOLUTION
  return -T * a * w0 * w0 * std::pow(1 - lr * a, 2 * T - 1);
  // END SOLUTION
}

// dE / dlr by grad.
inline double by_differentiation(double lr, double a, double w0, int T) {
  // BEGIN SOLUTION
  const auto outer = [&](const Var& rate) { return trained(rate, a, w0, T); };
  return grad(outer)(Var(Tensor::scalar(lr, DType::f64))).item();
  // END SOLUTION
}

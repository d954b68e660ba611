// Gradient descent with momentum as a map of the training state.
#include <functional>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;
using Loss = std::function<Var(const Var&)>;

struct State {
  Var w, v;
};
struct Hyper {
  Var lr, momentum, weight_decay;  // one number each
};

inline State step(const Loss& loss, const State& s, const Hyper& phi) {
  // BEGIN SOLUTION
  const Var g = grad(loss)(s.w) + phi.weight_decay * s.w;
  const Var v = phi.momentum * s.v + g;
  return {s.w - phi.lr * v, v};
  // END SOLUTION
}

// The 2 x 2 matrix of the step on the loss a w^2 / 2 without weight decay, row by row.
inline std::array<double, 4> matrix(double a, double lr, double momentum) {
  // BEGIN SOLUTION
  return {1 - lr * a, -lr * momentum, a, momentum};
  // END SOLUTION
}

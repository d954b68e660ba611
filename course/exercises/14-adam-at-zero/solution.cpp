// Adam as a map, with derivatives where the gradient is zero.
#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;

struct AdamState {
  Var w, m, v;
};
struct AdamHyper {
  Var lr;
  double b1 = 0.9, b2 = 0.999, eps = 1e-8, eps_root = 1e-16;
};

// Step t = 1, 2, ... with the gradient g at s.w.
inline AdamState adam(const AdamState& s, const Var& g, const AdamHyper& phi, int t) {
  // BEGIN SOLUTION
  const Var m = phi.b1 * s.m + (1 - phi.b1) * g;
  const Var v = phi.b2 * s.v + (1 - phi.b2) * square(g);
  const Var m_hat = m / (1 - std::pow(phi.b1, t)), v_hat = v / (1 - std::pow(phi.b2, t));
  return {s.w - phi.lr * m_hat / (sqrt(v_hat + phi.eps_root) + phi.eps), m, v};
  // END SOLUTION
}

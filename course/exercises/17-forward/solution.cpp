// The trajectory of hypergradients by forward mode, one hyperparameter.
#include <functional>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;

struct Run {
  std::function<Var(const Var& s, const Var& phi, int t)> step;
  std::function<Var(const Var& s)> outer;  // E, one number
};

// h_1, ..., h_T; phi is one number, and s0 does not depend on it.
inline std::vector<double> trajectory(const Run& run, const Var& s0, const Var& phi, int T) {
  // BEGIN SOLUTION
  std::vector<double> h;
  Var s = s0, z = zeros_like(s0);
  for (int t = 0; t < T; ++t) {
    const auto step = [&](const std::pair<Var, Var>& both) { return run.step(both.first, both.second, t); };
    std::tie(s, z) = jvp(step, std::pair(s, phi), std::pair(z, ones_like(phi)));
    h.push_back(dot(z, grad(run.outer)(s)).item());
  }
  return h;
  // END SOLUTION
}

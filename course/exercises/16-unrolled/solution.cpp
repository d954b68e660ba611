// The global hypergradient by the adjoint recursion.
#include <functional>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;

// A training run. The state s and the hyperparameters phi are one Var each.
struct Run {
  std::function<Var(const Var& s, const Var& phi, int t)> step;
  std::function<Var(const Var& s)> outer;  // E, one number
};

// dE(s_T) / dphi for the run of T steps from s0, which does not depend on phi.
inline Var global(const Run& run, const Var& s0, const Var& phi, int T) {
  // BEGIN SOLUTION
  std::vector<Var> s{s0};
  for (int t = 0; t < T; ++t) s.push_back(run.step(s.back(), phi, t));
  Var a = grad(run.outer)(s.back());
  Var h = zeros_like(phi);
  for (int t = T; t-- > 0;) {
    const auto step = [&](const std::pair<Var, Var>& both) { return run.step(both.first, both.second, t); };
    const auto [ds, dphi] = vjp(step, std::pair(s[static_cast<std::size_t>(t)], phi)).second(a);
    h = h + dphi;
    a = ds;
  }
  return h;
  // END SOLUTION
}

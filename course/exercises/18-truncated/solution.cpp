// Truncated back-propagation.
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

// What the last K of T steps contribute to dE(s_T) / dphi; K > T means all. Keeps no more than K states.
inline Var truncated(const Run& run, const Var& s0, const Var& phi, int T, int K) {
  // BEGIN SOLUTION
  const int first = K < T ? T - K : 0;
  Var start = s0;
  for (int t = 0; t < first; ++t) start = run.step(start, phi, t);
  std::vector<Var> s{start};
  for (int t = first; t < T; ++t) s.push_back(run.step(s.back(), phi, t));
  Var a = grad(run.outer)(s.back()), h = zeros_like(phi);
  for (int t = T; t-- > first;) {
    const auto step = [&](const std::pair<Var, Var>& both) { return run.step(both.first, both.second, t); };
    const auto [ds, dphi] = vjp(step, std::pair(s[static_cast<std::size_t>(t - first)], phi)).second(a);
    h = h + dphi;
    a = ds;
  }
  return h;
  // END SOLUTION
}

// h^(K) / h for gradient descent on a w^2 / 2.
inline double share(int K, int T) {
  // BEGIN SOLUTION
  return K < T ? static_cast<double>(K) / T : 1.0;
  // END SOLUTION
}

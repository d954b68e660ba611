// The hypergradient at the optimum, by the implicit function theorem and conjugate gradients.
#include <functional>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;

using Product = std::function<Var(const Var&)>;  // v -> H v

// x with H x = b for a symmetric positive definite H; stops when r.r <= tolerance^2 b.b, or after `most` products.
inline Var solve(const Product& H, const Var& b, double tolerance, int most) {
  // BEGIN SOLUTION
  Var x = zeros_like(b), r = b, p = b;
  double rr = dot(r, r).item();
  const double enough = tolerance * tolerance * rr;
  for (int i = 0; i < most && rr > enough; ++i) {
    const Var Hp = H(p);
    const double alpha = rr / dot(p, Hp).item();
    x = x + alpha * p;
    r = r - alpha * Hp;
    const double next = dot(r, r).item();
    p = r + (next / rr) * p;
    rr = next;
  }
  return x;
  // END SOLUTION
}

struct Problem {
  std::function<Var(const Var& w, const Var& phi)> loss;  // L, one number
  std::function<Var(const Var& w)> outer;                 // E, one number
};

// dE / dphi at w, where grad_w L(w, phi) = 0; phi is one number.
inline double implicit(const Problem& problem, const Var& w, const Var& phi) {
  // BEGIN SOLUTION
  const auto inner = [&](const Var& v) { return problem.loss(v, phi); };
  const auto H = [&](const Var& v) { return hvp(inner, w, v); };
  const Var x = solve(H, grad(problem.outer)(w), 1e-12, 200);
  const auto slope = [&](const Var& number) { return grad([&](const Var& v) { return problem.loss(v, number); })(w); };
  return -dot(jvp(slope, phi, ones_like(phi)).second, x).item();
  // END SOLUTION
}

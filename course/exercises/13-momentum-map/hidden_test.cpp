#include EXERCISE
#include "check.h"

using course::close;

namespace {
Var number(double x) { return Tensor::scalar(x, DType::f64); }
Var bowl(const Var& w) { return 1.5 * square(w); }
Var trained(const Var& lr, const Var& momentum) {
  State s{number(2), number(0)};
  for (int t = 0; t < 8; ++t) s = step(bowl, s, {lr, momentum, number(0.01)});
  return s.w;
}
}  // namespace

TEST_CASE("the run is differentiable in lr and momentum [2 points]") {
  const double h = 1e-6;
  const Var lr = number(0.1), momentum = number(0.6);
  close("dw_8 / dlr", grad([&](const Var& x) { return trained(x, momentum); })(lr),
        (trained(lr + h, momentum) - trained(lr - h, momentum)) / (2 * h), 1e-7,
        {{number(0), "Was a number taken out of a Var on the way? It is a constant then."}});
  close("dw_8 / dmomentum", grad([&](const Var& x) { return trained(lr, x); })(momentum),
        (trained(lr, momentum + h) - trained(lr, momentum - h)) / (2 * h), 1e-7);
}

TEST_CASE("powers of the matrix are the run [2 points]") {
  const auto m = matrix(3, 0.1, 0.6);
  State s{number(2), number(0)};
  double w = 2, v = 0;
  for (int t = 0; t < 30; ++t) {
    s = step(bowl, s, {number(0.1), number(0.6), number(0)});
    const double next = m[0] * w + m[1] * v;
    v = m[2] * w + m[3] * v;
    w = next;
  }
  close("(w_30, v_30)", {s.w.item(), s.v.item()}, {w, v});
}

#include EXERCISE
#include "check.h"

using course::close;

namespace {
Var number(double x) { return Tensor::scalar(x, DType::f64); }
Var bowl(const Var& w) { return 1.5 * square(w); }  // a = 3
}  // namespace

TEST_CASE("one step [2 points]") {
  const State next = step(bowl, {number(2), number(1)}, {number(0.1), number(0.5), number(0)});
  close("v'", next.v, 6.5);
  close("w'", next.w, 2 - 0.65, 1e-12, {{2 - 0.1, "w moves along the new velocity, not the old one."}});
}

TEST_CASE("weight decay is part of the gradient [1 points]") {
  const State next = step(bowl, {number(2), number(0)}, {number(0.1), number(0), number(0.5)});
  close("v'", next.v, 7.0);
}

TEST_CASE("the matrix of the step on a quadratic [3 points]") {
  const auto m = matrix(3, 0.1, 0.5);
  const State next = step(bowl, {number(2), number(1)}, {number(0.1), number(0.5), number(0)});
  close("M (2, 1)", {m[0] * 2 + m[1] * 1, m[2] * 2 + m[3] * 1}, {next.w.item(), next.v.item()});
}

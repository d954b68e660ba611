#include EXERCISE
#include "check.h"

using course::close;

namespace {
const Var at = Tensor::from<double>({-1.5, 0, 0.4, 2}, {4});
Var total(const Var& x) { return sum(swish(x)); }
Var plain(const Var& x) { return sum(x * sigmoid(x)); }  // the same in ops that are known to be right
}  // namespace

TEST_CASE("values and first derivatives [1 points]") {
  close("y", swish(at), at * sigmoid(at));
  close("gradient", grad(total)(at), grad(plain)(at));
}

TEST_CASE("second derivatives, forward over reverse [3 points]") {
  close("hvp", hvp(total, at, ones_like(at)), hvp(plain, at, ones_like(at)), 1e-9,
        {{zeros_like(at), "All zero: the pullback treats its slope as a constant."}});
}

TEST_CASE("second derivatives, forward over forward [2 points]") {
  const auto slope = [](const Var& x) { return jvp(swish, x, ones_like(x)).second; };
  const auto right = [](const Var& x) {
    return jvp([](const Var& v) { return v * sigmoid(v); }, x, ones_like(x)).second;
  };
  close("jvp of jvp", jvp(slope, at, ones_like(at)).second, jvp(right, at, ones_like(at)).second, 1e-9,
        {{zeros_like(at), "All zero: the jvp treats its slope as a constant."}});
}

#include EXERCISE
#include "check.h"

using course::close;

namespace {
// Ridge-like descent: state (4,), phi (2,) = (log lr, log decay).
const Run curved{[](const Var& s, const Var& phi, int t) {
                   const Var lr = exp(slice(phi, 0, 0, 1)), decay = exp(slice(phi, 0, 1, 2));
                   return s - lr * (tanh(s * double(1 + t % 3)) + decay * s);
                 },
                 [](const Var& s) { return sum(square(s - 0.3)); }};
}  // namespace

TEST_CASE("two hyperparameters of a curved run [2 points]") {
  const Var s0 = normal(key(1), {4}, 0, 1, DType::f64), phi = Tensor::from<double>({-2, -3}, {2});
  const auto whole = [&](const Var& p) {
    Var s = s0;
    for (int t = 0; t < 12; ++t) s = curved.step(s, p, t);
    return curved.outer(s);
  };
  close("h", global(curved, s0, phi, 12), grad(whole)(phi), 1e-11);
}

TEST_CASE("a run of no steps [1 points]") {
  close("h", global(curved, normal(key(1), {4}, 0, 1, DType::f64), Tensor::from<double>({-2, -3}, {2}), 0), {0, 0});
}

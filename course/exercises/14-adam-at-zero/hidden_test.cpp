#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("a hypergradient over weights of which one is never used [2 points]") {
  const auto loss = [](const Var& w) { return sum(square(slice(w, 0, 0, 1) - 3.0)); };  // w[1] has gradient 0
  const auto trained = [&](const Var& lr) {
    const Var w = Tensor::from<double>({0, 5}, {2});
    AdamState s{w, zeros_like(w), zeros_like(w)};
    for (int t = 1; t <= 5; ++t) s = adam(s, grad(loss)(s.w), {lr}, t);
    return loss(s.w);
  };
  const Var lr = Tensor::scalar(0.1, DType::f64);
  const double h = 1e-6;
  close("d loss / d lr", grad(trained)(lr), (trained(lr + h) - trained(lr - h)) / (2 * h), 1e-6);
}

TEST_CASE("the state goes on [1 points]") {
  const Var one = Tensor::scalar(1, DType::f64), none = Tensor::scalar(0, DType::f64);
  const AdamState s = adam({one, none, none}, one * 2.0, {Tensor::scalar(0.1, DType::f64)}, 1);
  close("m and v", {s.m.item(), s.v.item()}, {0.2, 0.004}, 1e-12,
        {{{2, 4}, "m and v are kept without the correction."}});
}

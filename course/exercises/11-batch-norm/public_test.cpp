#include EXERCISE
#include "check.h"

using course::close;

namespace {
const Var x = Tensor::from<double>({1, 10, 3, 30}, {2, 2});
const Var one = Tensor::from<double>({1, 1}, {2}), none = Tensor::from<double>({0, 0}, {2});
}  // namespace

TEST_CASE("mean 0 and variance 1 [2 points]") {
  close("y", normalised(x, of_batch(x), one, none, 0), Tensor::from<double>({-1, -1, 1, 1}, {2, 2}), 1e-12,
        {{x - mean(x, {0}), "Not divided by the standard deviation."},
         {(x - mean(x, {0})) / of_batch(x).variance, "Divided by the variance: its root is wanted."}});
}

TEST_CASE("weight, bias and eps [2 points]") {
  const Var weight = Tensor::from<double>({2, 3}, {2}), bias = Tensor::from<double>({5, 7}, {2});
  close("y with eps = 3", normalised(x, of_batch(x), weight, bias, 3),
        Tensor::from<double>({4, 7 - 30 / std::sqrt(103.0), 6, 7 + 30 / std::sqrt(103.0)}, {2, 2}));
}

TEST_CASE("running statistics [2 points]") {
  const Statistics next = next_running({none, one}, of_batch(x), 0.1);
  close("mean", next.mean, {0.2, 2}, 1e-12, {{{1.8, 18}, "The momentum is the share of the new batch."}});
  close("variance", next.variance, {0.9 + 0.1, 0.9 + 10});
}

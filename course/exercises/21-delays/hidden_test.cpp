#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("a power times t counts twice [1 points]") {
  std::vector<double> h;
  for (int t = 0; t < 40; ++t) h.push_back(t * std::pow(0.9, t));
  close("rank of t 0.9^t", rank_of(hankel(h, 6).first, 1e-10), 2);
}

TEST_CASE("the shortest series, and noise [1 points]") {
  const auto [X, Y] = hankel({1, 2}, 1);
  close("X and Y of two numbers", {X.data<double>()[0], Y.data<double>()[0]}, {1, 2});
  std::vector<double> h;
  const Tensor noise = normal(key(1), {60}, 0, 1e-6, DType::f64);
  for (int t = 0; t < 60; ++t) h.push_back(std::pow(0.95, t) + noise.data<double>()[t]);
  close("rank above the noise", rank_of(hankel(h, 8).first, 1e-4), 1);
  close("rank below it", rank_of(hankel(h, 8).first, 1e-12), 8);
}

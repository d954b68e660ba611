#include EXERCISE
#include "check.h"

using course::close;

namespace {
std::vector<double> two_exponentials(int tau) {
  std::vector<double> h;
  for (int t = 0; t < tau; ++t) h.push_back(3 * std::pow(0.9, t) + std::pow(0.5, t));
  return h;
}
}  // namespace

TEST_CASE("the Hankel matrix [3 points]") {
  const auto [X, Y] = hankel({1, 2, 3, 4, 5}, 2);
  close("X", X, Tensor::from<double>({1, 2, 3, 2, 3, 4}, {2, 3}), 0);
  close("Y", Y, Tensor::from<double>({2, 3, 4, 3, 4, 5}, {2, 3}), 0,
        {{Tensor::from<double>({1, 2, 3, 2, 3, 4}, {2, 3}), "Y is X one step later."}});
}

TEST_CASE("rank tells the number of exponentials [3 points]") {
  close("rank of two exponentials with five delays", rank_of(hankel(two_exponentials(30), 5).first, 1e-10), 2);
  close("with one delay", rank_of(hankel(two_exponentials(30), 1).first, 1e-10), 1);
}

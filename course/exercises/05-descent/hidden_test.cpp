#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("the start is the first of T + 1 points [1 points]") {
  const Var start = Tensor::from<double>({0.3, -0.2}, {2});
  close("length of the path", static_cast<double>(descend(start, 0.01, 7).size()), 8);
  close("w_0", descend(start, 0.01, 7).front(), start);
  close("the path of no steps", static_cast<double>(descend(start, 0.01, 0).size()), 1);
}

TEST_CASE("the bottom stays where it is [1 points]") {
  const Var bottom = Tensor::from<double>({1, 1}, {2});
  close("w_5 from (1, 1)", descend(bottom, 0.02, 5).back(), bottom);
}

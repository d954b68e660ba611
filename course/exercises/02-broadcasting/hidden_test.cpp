#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("sum_to is the adjoint of broadcasting [1 points]") {
  const std::vector<double> gy{1, -2, 3, 0.5, 4, -1, 2, 2, 7, -3, 1, 6};  // (4, 3)
  const std::vector<double> x{2, -1, 0.5, 3};                             // (4, 1)
  double left = 0, right = 0;
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 3; ++j) left += gy[i * 3 + j] * x[i];
  const std::vector<double> gx = sum_to(gy, 4, 3, 4, 1);
  for (std::size_t i = 0; i < 4; ++i) right += gx.at(i) * x[i];
  close("<sum_to(gy), x>", right, left);
  close("down to one number", sum_to(gy, 4, 3, 1, 1), std::vector<double>{20.5});
}

TEST_CASE("shapes of higher rank, empty and refused [1 points]") {
  CHECK(broadcast_shape({}, {}).empty());
  CHECK(broadcast_shape({8, 1, 6, 1}, {7, 1, 5}) == Sizes{8, 7, 6, 5});
  CHECK(broadcast_shape({0, 1}, {1, 3}) == Sizes{0, 3});
  CHECK_THROWS_AS(broadcast_shape({4, 2, 3}, {4, 3, 3}), std::invalid_argument);
}

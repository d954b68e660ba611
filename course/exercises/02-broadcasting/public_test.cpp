#include EXERCISE
#include "check.h"
#include "picture.h"

using course::close;

namespace {
std::vector<double> as_numbers(const Sizes& sizes) { return {sizes.begin(), sizes.end()}; }
}  // namespace

TEST_CASE("shapes that fit [3 points]") {
  close("(4, 1) with (3)", as_numbers(broadcast_shape({4, 1}, {3})), {4, 3}, 0);
  close("(2, 3) with ()", as_numbers(broadcast_shape({2, 3}, {})), {2, 3}, 0);
  close("(1, 5) with (2, 1, 1)", as_numbers(broadcast_shape({1, 5}, {2, 1, 1})), {2, 1, 5}, 0);
}

TEST_CASE("shapes that do not fit are refused [1 points]") {
  CHECK_THROWS_AS(broadcast_shape({2, 3}, {2}), std::invalid_argument);
}

TEST_CASE("the gradient of a bias is a sum over rows [2 points]") {
  close("gx", sum_to({1, 2, 3, 10, 20, 30}, 2, 3, 1, 3), {11, 22, 33}, 0,
        {{{1, 2, 3}, "Only the first row is there: every row used the same bias."},
         {{6, 60}, "Summed along the wrong axis: the bias is shared by the rows."}});
}

TEST_CASE("a table of powers, drawn [2 points]") {
  std::vector<double> x, exponents{1, 2, 3, 4};
  for (int i = 0; i <= 40; ++i) x.push_back(i / 40.0);
  const auto table = powers(glocal::Tensor::from<double>(x, {41}), glocal::Tensor::from<double>(exponents, {4}));
  course::Picture picture{"x to the power k", "x", "", {}};
  for (std::size_t j = 0; j < 4; ++j) {
    picture.lines.push_back({"k = " + std::to_string(j + 1), {}});
    for (std::size_t i = 0; i < x.size(); ++i)
      picture.lines.back().points.emplace_back(x[i], table.value().data<double>()[i * 4 + j]);
  }
  MESSAGE("look at ", course::draw(picture, "powers.svg"));
  close("0.5 to the power 3", table.value().data<double>()[20 * 4 + 2], 0.125);
}

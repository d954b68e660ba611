#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("a product [2 points]") {
  Tape tape;
  const auto x = tape.input(3), y = tape.input(5), z = tape.mul(x, y);
  const auto slopes = tape.backward(z);
  close("dz/dx and dz/dy of z = x y at (3, 5)", {slopes.at(x), slopes.at(y)}, {5, 3}, 1e-12,
        {{{3, 5}, "Each factor's slope is the other factor."}});
}

TEST_CASE("the chain rule [2 points]") {
  Tape tape;
  const auto x = tape.input(2), y = tape.sin(tape.mul(x, x));
  close("value of sin(x^2) at 2", tape.value(y), std::sin(4.0));
  close("slope of sin(x^2) at 2", tape.backward(y).at(x), 4 * std::cos(4.0), 1e-12,
        {{2 * std::cos(4.0), "x is used twice: its two contributions must be added, not overwritten."}});
}

TEST_CASE("one walk, many inputs [2 points]") {
  Tape tape;
  std::vector<std::size_t> x;
  for (int i = 1; i <= 4; ++i) x.push_back(tape.input(i));
  auto product = x[0];
  for (std::size_t i = 1; i < 4; ++i) product = tape.mul(product, x[i]);
  const auto slopes = tape.backward(product);
  std::vector<double> got;
  for (const auto i : x) got.push_back(slopes.at(i));
  close("gradient of x1 x2 x3 x4 at (1, 2, 3, 4)", got, {24, 12, 8, 6});
}

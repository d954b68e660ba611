#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("three deep [2 points]") {
  const auto f = [](const Number& x) {
    return x * derivative(
                   [&](const Number& y) {
                     return y * y * derivative([&](const Number& z) { return x * z + y * z * z; }, 2);
                   },
                   3);
  };
  // d/dz = x + 4 y; y^2 (x + 4 y) -> d/dy = 2 x y + 12 y^2 = 6 x + 108 at y = 3; x (6 x + 108) -> 12 x + 108
  close("d/dx of three nested derivatives at 1", derivative(f, 1).value(), 120);
}

TEST_CASE("one after another, as often as wanted [2 points]") {
  double sum = 0;
  for (int i = 0; i < 100; ++i) sum += derivative([](const Number& x) { return x * x; }, i).value();
  close("sum of 2 i for i < 100", sum, 9900);
}

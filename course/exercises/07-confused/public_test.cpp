#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("one derivative [1 points]") {
  close("d/dx x^3 at 2", derivative([](const Number& x) { return x * x * x; }, 2).value(), 12);
}

TEST_CASE("a derivative inside a derivative [4 points]") {
  const auto outer = [](const Number& x) { return x * derivative([&](const Number& y) { return x + y; }, 1); };
  close("d/dx [x d/dy (x + y)]", derivative(outer, 1).value(), 1, 1e-12,
        {{2.0, "The inner derivative counted x's own epsilon as if it were y's."}});
}

TEST_CASE("a second derivative [1 points]") {
  const auto cube = [](const Number& x) { return x * x * x; };
  const auto slope = [&](const Number& x) { return derivative(cube, x); };
  close("d2/dx2 x^3 at 2", derivative(slope, 2).value(), 12);
}

#include EXERCISE
#include "check.h"
#include "picture.h"

using course::close;

namespace {
Var point(double x, double y) { return Tensor::from<double>({x, y}, {2}); }
}  // namespace

TEST_CASE("the valley [2 points]") {
  close("f(1, 1)", valley(point(1, 1)).item(), 0);
  close("f(0, 0)", valley(point(0, 0)).item(), 1);
  close("f(-1, 2)", valley(point(-1, 2)).item(), 14);
}

TEST_CASE("one step [2 points]") {
  // df/dx = -2 (1 - x) - 40 x (y - x^2), df/dy = 20 (y - x^2)
  const auto path = descend(point(-1, 2), 0.01, 1);
  REQUIRE(path.size() == 2);
  close("w_1", path[1], {-1 - 0.01 * 36, 2 - 0.01 * 20}, 1e-12,
        {{{-1 + 0.01 * 36, 2 + 0.01 * 20}, "That goes uphill."}});
}

TEST_CASE("three learning rates, drawn [2 points]") {
  course::Picture picture{"Gradient descent in a valley", "x", "y", {}};
  for (const double lr : {0.001, 0.01, 0.028}) {
    picture.lines.push_back({"lr = " + std::to_string(lr).substr(0, 5), {}});
    for (const Var& w : descend(point(-1, 0.5), lr, 300))
      picture.lines.back().points.emplace_back(w.value().data<double>()[0], w.value().data<double>()[1]);
  }
  MESSAGE("look at ", course::draw(picture, "descent.svg"));
  CHECK(valley(descend(point(-1, 0.5), 0.01, 300).back()).item() < 0.2);
}

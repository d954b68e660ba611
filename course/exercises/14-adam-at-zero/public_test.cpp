#include EXERCISE
#include "check.h"
#include "picture.h"

using course::close;

namespace {
Var number(double x) { return Tensor::scalar(x, DType::f64); }
const AdamState start{number(1), number(0), number(0)};
}  // namespace

TEST_CASE("the first step has the size lr [2 points]") {
  close("w_1 with g = 5", adam(start, number(5), {number(0.1)}, 1).w, 0.9, 1e-8,
        {{1 - 0.1 * 0.1 / std::sqrt(0.001), "The corrections 1 - b^t are missing."}});
  close("w_1 with g = -0.001", adam(start, number(-0.001), {number(0.1)}, 1).w, 1.1, 1e-4);
}

TEST_CASE("two steps by hand [2 points]") {
  AdamState s = adam(start, number(2), {number(0.1)}, 1);
  s = adam(s, number(1), {number(0.1)}, 2);
  const double m = (0.9 * 0.2 + 0.1) / (1 - 0.81), v = (0.999 * 0.004 + 0.001) / (1 - 0.999 * 0.999);
  close("w_2", s.w, 0.9 - 0.1 * m / std::sqrt(v), 1e-7);
}

TEST_CASE("a zero gradient has a derivative [2 points]") {
  const auto moved = [](const Var& g) { return adam(start, g, {number(0.1)}, 1).w; };
  const double slope = grad(moved)(number(0)).item();
  if (std::isnan(slope)) {
    const std::string message =
        "dw_1 / dg at g = 0 is NaN: the root of v^ = 0 has an infinite slope; add eps_root inside";
    FAIL_CHECK(message);
  } else {
    close("dw_1 / dg at g = 0", slope, -0.1 / (1e-8 + 1e-8), 1e-6);
  }
}

TEST_CASE("the bias correction, drawn [1 points]") {
  course::Picture picture{
      "Adam: size of a step at a constant gradient", "step t", "size / lr", {{"with", {}}, {"without", {}}}};
  AdamState s = start;
  double m = 0, v = 0;
  for (int t = 1; t <= 60; ++t) {
    const double before = s.w.item();
    s = adam(s, number(1), {number(0.001)}, t);
    m = 0.9 * m + 0.1, v = 0.999 * v + 0.001;
    picture.lines[0].points.emplace_back(t, (before - s.w.item()) / 0.001);
    picture.lines[1].points.emplace_back(t, m / (std::sqrt(v) + 1e-8));
  }
  MESSAGE("look at ", course::draw(picture, "bias.svg"));
  close("every step has the size lr", picture.lines[0].points.back().second, 1, 1e-6);
}

#include EXERCISE
#include "check.h"
#include "picture.h"

using course::close;

namespace {
Var list(std::vector<double> numbers) {
  const auto n = static_cast<std::int64_t>(numbers.size());
  return Tensor::from<double>(numbers, {n});
}
// x0^2 x1 + x1^3: H = [[2 x1, 2 x0], [2 x0, 6 x1]]
Var cubic(const Var& x) {
  const Var a = slice(x, 0, 0, 1), b = slice(x, 0, 1, 2);
  return sum(square(a) * b + b * square(b));
}
}  // namespace

TEST_CASE("a product with the Hessian [2 points]") {
  close("H(1, 2) (3, -1)", hessian_times(cubic, list({1, 2}), list({3, -1})), {10, -6});
}

TEST_CASE("curvature along a direction [2 points]") {
  close("along (1, 0) at (1, 2)", curvature(cubic, list({1, 2}), list({1, 0})), 4);
  close("along (2, 0), which is the same direction", curvature(cubic, list({1, 2}), list({2, 0})), 4, 1e-9,
        {{16.0, "The direction has length 2: divide by v^T v."}});
}

TEST_CASE("the largest eigenvalue, drawn [2 points]") {
  const Var x = list({1, 2});
  // eigenvalues of [[4, 2], [2, 12]]: 8 +- sqrt(20)
  close("largest eigenvalue", largest_eigenvalue(cubic, x, list({1, 1}), 60), 8 + std::sqrt(20.0));
  const Var v = list({0.2298, 0.9732});
  const double f = cubic(x).item(), g = dot(grad(cubic)(x), v).item(), c = curvature(cubic, x, v);
  course::Picture picture{"The loss along its steepest direction", "step", "loss", {{"loss", {}}, {"parabola", {}}}};
  for (double e = -2; e <= 2; e += 0.05) {
    picture.lines[0].points.emplace_back(e, cubic(x + v * e).item());
    picture.lines[1].points.emplace_back(e, f + e * g + e * e * c / 2);
  }
  MESSAGE("look at ", course::draw(picture, "curvature.svg"));
}

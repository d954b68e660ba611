#include EXERCISE
#include "check.h"
#include "picture.h"

using course::close;

namespace {
Var list(std::vector<double> numbers) {
  const auto n = static_cast<std::int64_t>(numbers.size());
  return Tensor::from<double>(numbers, {n});
}
// Ridge regression with a diagonal Hessian: L = sum c (w - 1)^2 / 2 + phi |w|^2 / 2, so w* = c / (c + phi).
const Var c = list({0.5, 1, 4});
const Problem ridge{
    [](const Var& w, const Var& phi) { return (sum(c * square(w - 1.0)) + phi * sum(square(w))) / 2.0; },
    [](const Var& w) { return sum(square(w - 0.7)) / 2.0; }};
Var optimum(double phi) { return c / (c + phi); }
double by_hand(double phi) {  // sum (w* - 0.7) dw*/dphi, dw*/dphi = -c / (c + phi)^2
  return -dot(optimum(phi) - 0.7, c / square(c + phi)).item();
}
}  // namespace

TEST_CASE("conjugate gradients [3 points]") {
  const Var a = Tensor::from<double>({4, 1, 0, 1, 3, 1, 0, 1, 2}, {3, 3}), x = list({1, -2, 3});
  const auto times = [&](const Var& v) { return reshape(matmul(a, reshape(v, {-1, 1})), {-1}); };
  int products = 0;
  const auto counted = [&](const Var& v) { return ++products, times(v); };
  close("x", solve(counted, times(x), 1e-12, 50), x, 1e-9);
  CHECK(products <= 4);  // three dimensions need three directions
}

TEST_CASE("ridge regression, against the closed form [3 points]") {
  const double h = by_hand(0.3);
  close("h", implicit(ridge, optimum(0.3), Tensor::scalar(0.3, DType::f64)), h, 1e-9,
        {{-h, "The minus of the implicit function theorem is missing."},
         {dot(optimum(0.3) - 0.7, optimum(0.3)).item() * -1, "The inverse Hessian is missing."}});
}

TEST_CASE("truncated unrolling comes to the same limit, drawn [1 points]") {
  const Var phi = Tensor::scalar(0.3, DType::f64);
  course::Picture picture{
      "Truncated and implicit on ridge regression", "K", "h", {{"truncated", {}}, {"implicit", {}}}};
  const double exact = implicit(ridge, optimum(0.3), phi);
  for (int K = 1; K <= 40; ++K) {
    const auto unrolled = [&](const Var& p) {
      Var w = optimum(0.3);
      for (int t = 0; t < K; ++t) w = w - 0.2 * grad([&](const Var& v) { return ridge.loss(v, p); })(w);
      return ridge.outer(w);
    };
    picture.lines[0].points.emplace_back(K, grad(unrolled)(phi).item());
    picture.lines[1].points.emplace_back(K, exact);
  }
  MESSAGE("look at ", course::draw(picture, "truncated.svg"));
  close("h at K = 40", picture.lines[0].points.back().second, exact, 1e-2);
}

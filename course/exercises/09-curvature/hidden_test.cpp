#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("gradient descent is stable up to 2 / lambda [2 points]") {
  const Var scales = Tensor::from<double>({0.5, 3, 9}, {3});
  const auto f = [&](const Var& x) { return sum(scales * square(x)) / 2.0; };
  const double lambda = largest_eigenvalue(f, zeros_like(scales), ones_like(scales), 100);
  close("lambda", lambda, 9.0, 1e-6);
  for (const double share : {0.99, 1.01}) {
    Var x = ones_like(scales);
    for (int t = 0; t < 800; ++t) x = x - (share * 2 / lambda) * grad(f)(x);
    CHECK((f(x).item() < f(ones_like(scales)).item()) == (share < 1));
  }
}

TEST_CASE("a negative curvature is found with its sign [2 points]") {
  const Var scales = Tensor::from<double>({1, -4}, {2});
  const auto f = [&](const Var& x) { return sum(scales * square(x)) / 2.0; };
  close("largest in size", largest_eigenvalue(f, zeros_like(scales), ones_like(scales), 60), -4.0);
}

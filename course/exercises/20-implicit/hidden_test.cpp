#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("a coupled problem, against a finite difference of the solution [2 points]") {
  const Var x = normal(key(1), {8, 3}, 0, 1, DType::f64), y = normal(key(2), {8, 1}, 0, 1, DType::f64);
  const Problem problem{
      [&](const Var& w, const Var& phi) {
        return sum(square(matmul(x, reshape(w, {-1, 1})) - y)) / 2.0 + exp(phi) * sum(square(w)) / 2.0;
      },
      [](const Var& w) { return sum(square(w - 0.5)); }};
  const auto solved = [&](double phi) {
    const Var number = Tensor::scalar(phi, DType::f64);
    Var w = zeros_like(Var(Tensor::zeros({3}, DType::f64)));
    const auto inner = [&](const Var& v) { return problem.loss(v, number); };
    for (int i = 0; i < 2; ++i)
      w = w - solve([&](const Var& v) { return hvp(inner, w, v); }, grad(inner)(w), 1e-14, 50);
    return w;
  };
  const double h = 1e-5;
  const double difference = (problem.outer(solved(-1 + h)) - problem.outer(solved(-1 - h))).item() / (2 * h);
  close("h", implicit(problem, solved(-1), Tensor::scalar(-1, DType::f64)), difference, 1e-6);
}

TEST_CASE("what does not enter the loss has h = 0, and b = 0 needs no product [1 points]") {
  const Problem problem{[](const Var& w, const Var& phi) { return sum(square(w - 1.0)) + 0.0 * phi; },
                        [](const Var& w) { return sum(w); }};
  close("h", implicit(problem, Tensor::from<double>({1, 1}, {2}), Tensor::scalar(3, DType::f64)), 0.0);
  int products = 0;
  close("x", solve([&](const Var& v) { return ++products, v; }, Tensor::zeros({2}, DType::f64), 1e-9, 5), {0, 0});
  CHECK(products == 0);
}

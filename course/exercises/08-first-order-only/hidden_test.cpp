#include EXERCISE
#include "check.h"

using course::close;

namespace {
// w after three steps of gradient descent on f, and the derivative of f(w) with respect to the learning rate.
template <class F>
Var hypergradient(F f, double lr) {
  const auto trained = [&](const Var& rate) {
    Var w = Tensor::from<double>({0.8, -1.1}, {2});
    for (int t = 0; t < 3; ++t) w = w - rate * grad(f)(w);
    return f(w);
  };
  return grad(trained)(Var(Tensor::scalar(lr, DType::f64)));
}
}  // namespace

TEST_CASE("a hypergradient through it [2 points]") {
  const auto with = [](const Var& w) { return sum(square(swish(w) - 1.0)); };
  const auto without = [](const Var& w) { return sum(square(w * sigmoid(w) - 1.0)); };
  close("d loss / d lr", hypergradient(with, 0.3), hypergradient(without, 0.3));
}

TEST_CASE("a third derivative [2 points]") {
  const Var x = Tensor::scalar(0.7, DType::f64);
  const auto third = [](auto f) { return grad(grad(grad(f))); };
  close("f'''(0.7)", third([](const Var& v) { return swish(v); })(x),
        third([](const Var& v) { return v * sigmoid(v); })(x));
}

#include EXERCISE
#include <glocal/autodiff/transforms.h>

#include "check.h"

using namespace glocal;
using course::close;

namespace {
Tensor random(std::uint64_t seed, const Shape& shape) { return normal(key(seed), shape, 0, 1, DType::f64); }
}  // namespace

TEST_CASE("a matrix product [2 points]") {
  const Var a = random(1, {2, 3}), b = random(2, {3, 4}), gy = random(3, {2, 4});
  const auto [ga, gb] = matmul_pullback(a, b, gy);
  close("gA", ga, vjp([&](const Var& x) { return matmul(x, b); }, a).second(gy));
  close("gB", gb, vjp([&](const Var& x) { return matmul(a, x); }, b).second(gy));
}

TEST_CASE("relu [1 points]") {
  const Var x = random(4, {7}), gy = random(5, {7});
  close("gx", relu_pullback(x, gy), vjp([](const Var& v) { return relu(v); }, x).second(gy));
}

TEST_CASE("the mean [1 points]") {
  const Var x = random(6, {3, 5}), gy = Tensor::scalar(2, DType::f64);
  close("gx", mean_pullback(x, gy), vjp([](const Var& v) { return mean(v); }, x).second(gy), 1e-12,
        {{Tensor::full({3, 5}, 2, DType::f64), "Each place has only 1/n of the mean."}});
}

TEST_CASE("a vector divided by its length [2 points]") {
  const Var x = random(7, {4}), gy = random(8, {4});
  const auto unit = [](const Var& v) { return v / sqrt(dot(v, v)); };
  close("gx", normalise_pullback(x, gy), vjp(unit, x).second(gy), 1e-10,
        {{gy / sqrt(dot(x, x)), "The length depends on x too: its term -y <y, gy> is missing."}});
}

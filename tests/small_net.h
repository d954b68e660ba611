// A network small enough for thousands of runs.
#pragma once
#include <cmath>
#include <cstdint>

#include <glocal/autodiff/ops.h>
#include <glocal/hpo/problem.h>

namespace glocal::hpo {

/// A 3-4-1 tanh network on eight points by heavy ball, E on six others; phi = (log lr, logit momentum, log decay).
inline FlatProblem small_net() {
  const auto numbers = [](double pace, const Shape& shape) {
    Tensor x(shape, DType::f64);
    for (std::int64_t i = 0; i < x.size(); ++i) x.data<double>()[i] = std::sin(pace * double(i) + 0.4);
    return x;
  };
  struct Data {
    Tensor x, y;
  };
  const Data train{numbers(1.3, {8, 3}), numbers(0.7, {8, 1})}, validation{numbers(1.9, {6, 3}), numbers(1.1, {6, 1})};
  const auto loss = [](const Vars& w, const Data& d) {
    return mean(square(matmul(tanh(matmul(d.x, w[0])), w[1]) - d.y));
  };
  FlatProblem problem;
  problem.init = [=](const Vars&) {
    const Tensor a = numbers(2.1, {3, 4}), b = numbers(1.7, {4, 1});
    return Vars{a, b, Tensor::zeros({3, 4}, DType::f64), Tensor::zeros({4, 1}, DType::f64)};
  };
  const auto training = [=](const Vars& s, const Vars& phi) {
    return loss(s, train) + 0.5 * exp(phi[2]) * (sum(square(s[0])) + sum(square(s[1])));
  };
  problem.loss = [=](const Vars& s, const Vars& phi, std::int64_t) { return training(s, phi); };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t) {
    const Vars weights{s[0], s[1]};
    const Vars g = grad([&](const Vars& w) { return training(w, phi); })(weights);
    const Var v = sigmoid(phi[1]) * s[2] + g[0], w = sigmoid(phi[1]) * s[3] + g[1];
    return Vars{s[0] - exp(phi[0]) * v, s[1] - exp(phi[0]) * w, v, w};
  };
  problem.outer = [=](const Vars& s, const Vars&, std::int64_t) { return loss(s, validation); };
  return problem;
}

}  // namespace glocal::hpo

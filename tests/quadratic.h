// Test problems with known answers.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/space.h>

namespace glocal::hpo {

inline Var number(double value) { return Tensor::scalar(value, DType::f64); }

/// One weight, loss a w^2 / 2, E = w^2 / 2, phi = (eta, mu): v' = mu v + a w, w' = w - eta v'.
inline FlatProblem scalar_quadratic(double a, double w0) {
  FlatProblem problem;
  problem.init = [=](const Vars&) { return Vars{number(w0), number(0)}; };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t) {
    const Var v = phi[1] * s[1] + a * s[0];
    return Vars{s[0] - phi[0] * v, v};
  };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return 0.5 * square(s[0]); };
  return problem;
}

/// Three hyperparameters as heavy_ball takes them, from poor values on.
inline Space quadratic_space() {
  Space space;
  space.add({"lr", {0.02}, Transform::log});
  space.add({"momentum", {0.5}, Transform::logit});
  space.add({"decay", {1e-3}, Transform::log});
  return space;
}

/// d weights by heavy ball on 1/2 sum_i a_i (w_i - c_i)^2, curvatures log-spaced in [a_min, 1]; validation has another
/// optimum: E = 1/2 sum_i a_i (w_i - c'_i)^2. phi = (log lr, logit momentum, log weight decay).
inline FlatProblem heavy_ball(std::int64_t d, double a_min) {
  std::vector<double> a, c, target, w0;
  for (std::int64_t i = 0; i < d; ++i) {
    const double x = static_cast<double>(i);
    a.push_back(std::pow(a_min, x / static_cast<double>(d - 1)));
    c.push_back(std::sin(1.7 * x + 0.3));
    target.push_back(c.back() + 0.2 * std::cos(2.3 * x));
    w0.push_back(c.back() + 1.5 * std::cos(0.9 * x + 1));
  }
  const Tensor A = Tensor::from(a, {d}), C = Tensor::from(c, {d}), V = Tensor::from(target, {d});
  const Tensor W = Tensor::from(w0, {d});
  FlatProblem problem;
  problem.init = [=](const Vars&) { return Vars{W, Tensor::zeros({d}, DType::f64)}; };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t) {
    const Var lr = exp(phi[0]), momentum = sigmoid(phi[1]), decay = exp(phi[2]);
    const Var gradient = Var(A) * (s[0] - C) + decay * s[0];
    const Var v = momentum * s[1] + gradient;
    return Vars{s[0] - lr * v, v};
  };
  problem.outer = [=](const Vars& s, const Vars&, std::int64_t) { return 0.5 * sum(Var(A) * square(s[0] - V)); };
  problem.loss = [=](const Vars& s, const Vars& phi, std::int64_t) {
    return 0.5 * sum(Var(A) * square(s[0] - C)) + 0.5 * exp(phi[2]) * sum(square(s[0]));
  };
  return problem;
}

/// The same E after T plain steps, with component k of phi moved by delta: for finite differences.
inline double outer_after(const FlatProblem& problem, Vars phi, std::int64_t T, std::size_t leaf, std::int64_t element,
                          double delta) {
  Tensor moved = phi[leaf].value().clone();
  moved.data<double>()[element] += delta;
  phi[leaf] = moved;
  Vars s = problem.init(phi);
  for (std::int64_t t = 0; t < T; ++t) s = problem.step(s, phi, t);
  return problem.outer(s, phi, 0).item();
}

/// Central differences of order six, all components of phi.
inline std::vector<double> differences(const FlatProblem& problem, const Vars& phi, std::int64_t T, double step) {
  std::vector<double> h;
  for (std::size_t leaf = 0; leaf < phi.size(); ++leaf)
    for (std::int64_t j = 0; j < phi[leaf].size(); ++j) {
      const auto slope = [&](double d) {
        return (outer_after(problem, phi, T, leaf, j, d) - outer_after(problem, phi, T, leaf, j, -d)) / (2 * d);
      };
      h.push_back(1.5 * slope(step) - 0.6 * slope(2 * step) + 0.1 * slope(3 * step));
    }
  return h;
}

}  // namespace glocal::hpo

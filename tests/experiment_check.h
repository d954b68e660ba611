// Small experiments, and their hypergradients held against one another and against differences.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <glocal/hpo/estimators/global.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// Digits, an MLP 64-12-10 with tanh (smooth, so that differences converge), f64.
inline train::ExperimentConfig small_experiment() {
  train::ExperimentConfig config;
  config.model_options.hidden = {12};
  config.model_options.activation = "tanh";
  config.model_options.dtype = DType::f64;
  config.train_limit = 200;
  config.steps = 6;
  config.batch = 40;
  config.val_batch = 100;
  config.hyper = {{"lr", 0.05}, {"momentum", 0.8}, {"weight_decay", 1e-2}};
  return config;
}

inline double outer_after(const hpo::FlatProblem& problem, const Vars& phi, std::int64_t T) {
  Vars s = problem.init(phi);
  for (std::int64_t t = 0; t < T; ++t) s = problem.step(s, phi, t);
  return problem.outer(s, phi, 0).item();
}

/// Reverse mode, forward mode and central differences of the whole run; differences of every `stride`-th component.
inline void check_three_ways(const train::ExperimentConfig& config, double eps = 1e-4, double tolerance = 1e-6,
                             std::size_t stride = 1) {
  const train::Experiment experiment(config);
  const hpo::FlatProblem& problem = experiment.problem();
  const Vars phi = experiment.phi();
  const std::vector<std::string> names = experiment.space().component_names();
  const std::vector<double> reverse = hpo::global_reverse(problem, phi, config.steps).h;
  const std::vector<double> forward = hpo::global_forward(problem, phi, config.steps).h;
  REQUIRE(reverse.size() == names.size());
  REQUIRE(forward.size() == names.size());
  double largest = 0;
  for (const double h : reverse) largest = std::max(largest, std::abs(h));
  const std::vector<double> u = hpo::to_components(phi, phi);
  for (std::size_t k = 0; k < u.size(); k += stride) {
    INFO(names[k]);
    std::vector<double> up = u, down = u;
    up[k] += eps;
    down[k] -= eps;
    const double difference = (outer_after(problem, hpo::to_leaves(up, phi), config.steps) -
                               outer_after(problem, hpo::to_leaves(down, phi), config.steps)) /
                              (2 * eps);
    if (names[k].find('[') == std::string::npos) CHECK(std::abs(reverse[k]) > 1e-7);
    // A vector's components differ in size, and E itself is known to 1e-16.
    const double size = std::max({std::abs(reverse[k]), 1e-3 * largest, 1e-4});
    CHECK(std::abs(forward[k] - reverse[k]) < 1e-10 * size);
    CHECK(std::abs(reverse[k] - difference) < tolerance * size);
  }
}

}  // namespace glocal::app

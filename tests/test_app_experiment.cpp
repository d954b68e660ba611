#include <doctest/doctest.h>

#include <cmath>

#include <glocal/app/experiment.h>
#include <glocal/hpo/global.h>

using namespace glocal;
using namespace glocal::app;

namespace {

ExperimentConfig small() {
  ExperimentConfig config;
  config.model_options.hidden = {12};
  config.model_options.activation = "tanh";  // smooth, so that differences converge
  config.model_options.dtype = DType::f64;
  config.train_limit = 200;
  config.steps = 6;
  config.batch = 40;
  config.val_batch = 100;
  config.hyper = {{"lr", 0.05}, {"momentum", 0.8}, {"weight_decay", 1e-2}};
  return config;
}

double outer_after(const hpo::FlatProblem& problem, const Vars& phi, std::int64_t T) {
  Vars s = problem.init(phi);
  for (std::int64_t t = 0; t < T; ++t) s = problem.step(s, phi, t);
  return problem.outer(s, phi, 0).item();
}

// Reverse mode, forward mode and central differences of the whole run.
void check_three_ways(const ExperimentConfig& config) {
  const Experiment experiment(config);
  const hpo::FlatProblem& problem = experiment.problem();
  const Vars phi = experiment.phi();
  const hpo::Hypergradient reverse = hpo::global_reverse(problem, phi, config.steps);
  const hpo::Hypergradient forward = hpo::global_forward(problem, phi, config.steps);
  REQUIRE(reverse.h.size() == config.tune.size());
  const std::vector<double> u = hpo::to_components(phi, phi);
  constexpr double eps = 1e-4;
  for (std::size_t k = 0; k < u.size(); ++k) {
    INFO(config.tune[k]);
    std::vector<double> up = u, down = u;
    up[k] += eps;
    down[k] -= eps;
    const double difference = (outer_after(problem, hpo::to_leaves(up, phi), config.steps) -
                               outer_after(problem, hpo::to_leaves(down, phi), config.steps)) /
                              (2 * eps);
    CHECK(std::abs(reverse.h[k]) > 1e-7);
    CHECK(forward.h[k] == doctest::Approx(reverse.h[k]).epsilon(1e-10));
    CHECK(reverse.h[k] == doctest::Approx(difference).epsilon(1e-6));
  }
}

}  // namespace

TEST_SUITE("gradcheck") {
  TEST_CASE("experiment: hypergradients three ways for lr momentum weight_decay init_scale") {
    ExperimentConfig config = small();
    config.tune = {"lr", "momentum", "weight_decay", "init_scale"};
    check_three_ways(config);
  }

  TEST_CASE("experiment: hypergradients three ways for label_smoothing and an active clip_norm") {
    ExperimentConfig config = small();
    config.hyper["label_smoothing"] = 0.1;
    config.hyper["clip_norm"] = 0.2;
    config.tune = {"label_smoothing", "clip_norm", "lr"};
    check_three_ways(config);
  }

  TEST_CASE("experiment: hypergradients three ways for both ends of a cosine schedule") {
    ExperimentConfig config = small();
    config.schedule = "cosine";
    config.tune = {"lr_first", "lr_last"};
    check_three_ways(config);
  }
}

TEST_SUITE("fast") {
  TEST_CASE("experiment: names that do not exist are refused") {
    const auto with = [](auto change) {
      ExperimentConfig config = small();
      change(config);
      return config;
    };
    CHECK_THROWS_AS(Experiment(with([](auto& c) { c.dataset = "no"; })), ValueError);
    CHECK_THROWS_AS(Experiment(with([](auto& c) { c.model = "no"; })), ValueError);
    CHECK_THROWS_AS(Experiment(with([](auto& c) { c.optimizer = "no"; })), ValueError);
    CHECK_THROWS_AS(Experiment(with([](auto& c) { c.schedule = "no"; })), ValueError);
    CHECK_THROWS_AS(Experiment(with([](auto& c) { c.tune = {"beta1"}; })), ValueError);
    CHECK_THROWS_AS(Experiment(with([](auto& c) { c.hyper["beta1"] = 0.9; })), ValueError);
    CHECK_THROWS_AS(Experiment(with([](auto& c) { c.hyper["lr"] = -1; })), ValueError);
    CHECK_THROWS_AS(Experiment(with([](auto& c) { c.hyper["momentum"] = 1; })), ValueError);
    CHECK_THROWS_AS(Experiment(with([](auto& c) { c.batch = 100000; })), ValueError);
    CHECK_THROWS_AS(Experiment(with([](auto& c) { c.steps = 0; })), ValueError);
  }

  TEST_CASE("experiment: an empty model has the loss and accuracy of guessing") {
    ExperimentConfig config = small();
    config.hyper["init_scale"] = 1e-9;
    const Experiment experiment(config);
    const Score score = experiment.evaluate(experiment.problem().init(experiment.phi()), datasets::Part::test);
    CHECK(score.loss == doctest::Approx(std::log(10.0)).epsilon(1e-6));
    CHECK(score.accuracy >= 0.0);
    CHECK(score.accuracy < 0.4);
  }

  TEST_CASE("experiment: tuning starts at a usual value where the default is zero and keeps a zero that was given") {
    ExperimentConfig config = small();
    config.tune = {"label_smoothing", "clip_norm"};
    CHECK(Experiment(config).hyper().at("label_smoothing") == 0.05);
    CHECK(Experiment(config).hyper().at("clip_norm") == 1);
    config.hyper["label_smoothing"] = 0;
    CHECK_THROWS_AS(Experiment{config}, ValueError);
  }

  TEST_CASE("experiment: the first bad tensor is named") {
    const Experiment experiment(small());
    Vars s = experiment.problem().init(experiment.phi());
    CHECK(experiment.first_non_finite(s).empty());
    s[1] = Tensor::full(s[1].shape(), std::nan(""), DType::f64);
    CHECK(experiment.first_non_finite(s) == experiment.model().names[1]);
  }
}

#include <doctest/doctest.h>

#include <cmath>

#include "experiment_check.h"

using namespace glocal;
using namespace glocal::app;

TEST_SUITE("gradcheck") {
  TEST_CASE("experiment: hypergradients three ways for lr momentum weight_decay init_scale") {
    ExperimentConfig config = small_experiment();
    config.tune = {"lr", "momentum", "weight_decay", "init_scale"};
    check_three_ways(config);
  }

  TEST_CASE("experiment: hypergradients three ways for label_smoothing and an active clip_norm") {
    ExperimentConfig config = small_experiment();
    config.hyper["label_smoothing"] = 0.1;
    config.hyper["clip_norm"] = 0.2;
    config.tune = {"label_smoothing", "clip_norm", "lr"};
    check_three_ways(config);
  }

  TEST_CASE("experiment: hypergradients three ways for both ends of a cosine schedule") {
    ExperimentConfig config = small_experiment();
    config.schedule = "cosine";
    config.tune = {"lr_first", "lr_last"};
    check_three_ways(config);
  }
}

TEST_SUITE("fast") {
  TEST_CASE("experiment: names that do not exist are refused") {
    const auto with = [](auto change) {
      ExperimentConfig config = small_experiment();
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
    ExperimentConfig config = small_experiment();
    config.hyper["init_scale"] = 1e-9;
    const Experiment experiment(config);
    const Score score = experiment.evaluate(experiment.problem().init(experiment.phi()), datasets::Part::test);
    CHECK(score.loss == doctest::Approx(std::log(10.0)).epsilon(1e-6));
    CHECK(score.accuracy >= 0.0);
    CHECK(score.accuracy < 0.4);
  }

  TEST_CASE("experiment: tuning starts at a usual value where the default is zero and keeps a zero that was given") {
    ExperimentConfig config = small_experiment();
    config.tune = {"label_smoothing", "clip_norm"};
    CHECK(Experiment(config).hyper().at("label_smoothing") == 0.05);
    CHECK(Experiment(config).hyper().at("clip_norm") == 1);
    config.hyper["label_smoothing"] = 0;
    CHECK_THROWS_AS(Experiment{config}, ValueError);
  }

  TEST_CASE("experiment: the first bad tensor is named") {
    const Experiment experiment(small_experiment());
    Vars s = experiment.problem().init(experiment.phi());
    CHECK(experiment.first_non_finite(s).empty());
    s[1] = Tensor::full(s[1].shape(), std::nan(""), DType::f64);
    CHECK(experiment.first_non_finite(s) == experiment.model().names[1]);
  }
}

#include <doctest/doctest.h>

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/datasets/dataset.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/pass.h>

#include "experiment_check.h"

using namespace glocal;
using namespace glocal::app;

namespace {

// ResNet-20 on 60 digits, for three steps of a third of them each.
train::ExperimentConfig small_residual() {
  train::ExperimentConfig config;
  config.model = "resnet20";
  config.model_options.dtype = DType::f64;
  config.validation = 30;
  config.train_limit = 60;
  config.steps = 3;
  config.batch = 20;
  return config;
}

}  // namespace

TEST_SUITE("gradcheck") {
  TEST_CASE("experiment: hypergradients three ways for lr momentum weight_decay init_scale") {
    train::ExperimentConfig config = small_experiment();
    config.tune = {"lr", "momentum", "weight_decay", "init_scale"};
    check_three_ways(config);
  }

  TEST_CASE("experiment: hypergradients three ways for label_smoothing and an active clip_norm") {
    train::ExperimentConfig config = small_experiment();
    config.hyper["label_smoothing"] = 0.1;
    config.hyper["clip_norm"] = 0.2;
    config.tune = {"label_smoothing", "clip_norm", "lr"};
    check_three_ways(config);
  }

  TEST_CASE("experiment: hypergradients three ways for both ends of a cosine schedule") {
    train::ExperimentConfig config = small_experiment();
    config.schedule = "cosine";
    config.tune = {"lr_first", "lr_last"};
    check_three_ways(config);
  }

  TEST_CASE("experiment: hypergradients three ways for the form of a linear schedule") {
    train::ExperimentConfig config = small_experiment();
    config.schedule = "linear";
    config.hyper["lr_floor"] = 0.1;
    config.hyper["lr_warm_up"] = 0.4;
    config.tune = {"lr", "lr_power", "lr_floor", "lr_warm_up"};
    check_three_ways(config);
  }

  TEST_CASE("experiment: hypergradients three ways through augmented images and the strength of one augmentation") {
    train::ExperimentConfig config = small_experiment();
    config.augment = {"crop=1", "flip", "cutout=2", "brightness=0.3"};
    config.tune = {"brightness", "lr"};
    check_three_ways(config);
  }

  TEST_CASE("experiment: hypergradients three ways through an average of the weights and its BatchNorm statistics") {
    for (const char* average : {"exponential", "tail"}) {
      train::ExperimentConfig config = small_experiment();
      config.average = average;
      config.average_share = 0.5;
      config.tune = {"lr", "momentum"};
      if (config.average == "exponential") config.tune.push_back("average_decay"), config.hyper["average_decay"] = 0.6;
      check_three_ways(config);
      config.model = "resnet20";
      config.model_options.hidden = {128};
      config.model_options.activation = "relu";
      config.steps = 3;
      config.batch = 20;
      config.train_limit = config.val_batch = 40;
      config.average_batches = 2;
      check_three_ways(config, 1e-6, 1e-3);  // relu: differences over a step that crosses no kink
    }
  }
}

TEST_SUITE("fast") {
  TEST_CASE("experiment: names that do not exist are refused") {
    const auto with = [](auto change) {
      train::ExperimentConfig config = small_experiment();
      change(config);
      return config;
    };
    CHECK_THROWS_AS(train::Experiment(with([](auto& c) { c.dataset = "no"; })), ValueError);
    CHECK_THROWS_AS(train::Experiment(with([](auto& c) { c.model = "no"; })), ValueError);
    CHECK_THROWS_AS(train::Experiment(with([](auto& c) { c.optimizer = "no"; })), ValueError);
    CHECK_THROWS_AS(train::Experiment(with([](auto& c) { c.schedule = "no"; })), ValueError);
    CHECK_THROWS_AS(train::Experiment(with([](auto& c) { c.tune = {"beta1"}; })), ValueError);
    CHECK_THROWS_AS(train::Experiment(with([](auto& c) { c.hyper["beta1"] = 0.9; })), ValueError);
    CHECK_THROWS_AS(train::Experiment(with([](auto& c) { c.hyper["lr"] = -1; })), ValueError);
    CHECK_THROWS_AS(train::Experiment(with([](auto& c) { c.hyper["momentum"] = 1; })), ValueError);
    CHECK_THROWS_AS(train::Experiment(with([](auto& c) { c.batch = 100000; })), ValueError);
    CHECK_THROWS_AS(train::Experiment(with([](auto& c) { c.steps = 0; })), ValueError);
  }

  TEST_CASE("experiment: an empty model has the loss and accuracy of guessing") {
    train::ExperimentConfig config = small_experiment();
    config.hyper["init_scale"] = 1e-9;
    const train::Experiment experiment(config);
    const train::Score score = experiment.evaluate(experiment.problem().init(experiment.phi()), datasets::Part::test);
    CHECK(score.loss == doctest::Approx(std::log(10.0)).epsilon(1e-6));
    CHECK(score.accuracy >= 0.0);
    CHECK(score.accuracy < 0.4);
  }

  TEST_CASE("experiment: tuning starts at a usual value where the default is zero and keeps a zero that was given") {
    train::ExperimentConfig config = small_experiment();
    config.tune = {"label_smoothing", "clip_norm"};
    CHECK(train::Experiment(config).hyper().at("label_smoothing") == 0.05);
    CHECK(train::Experiment(config).hyper().at("clip_norm") == 1);
    config.hyper["label_smoothing"] = 0;
    CHECK_THROWS_AS(train::Experiment{config}, ValueError);
  }

  TEST_CASE("experiment: E on all validation images is the evaluation's loss, with running statistics") {
    const train::Experiment experiment(small_residual());
    const Vars phi = experiment.phi();
    Vars s = experiment.problem().init(phi);
    for (std::int64_t t = 0; t < 3; ++t) s = experiment.problem().step(s, phi, t);
    CHECK(experiment.problem().outer(s, phi, 0).item() ==
          doctest::Approx(experiment.evaluate(s, datasets::Part::validation).loss).epsilon(1e-12));
    // Leaves of the state by their kind and number.
    const std::size_t parameters = experiment.model().parameters.size(), stats = experiment.model().stats.size();
    const auto named = [&](std::size_t i) {
      Vars bad = s;
      bad[i] = Tensor::full(s[i].shape(), std::nan(""), DType::f64);
      return experiment.first_non_finite(bad);
    };
    CHECK(named(parameters) == "running statistics 0");
    CHECK(named(parameters + stats - 1) == fmt::format("running statistics {}", stats - 1));
    CHECK(named(parameters + stats) == "optimiser buffer 0");
    CHECK(named(parameters + stats + 2) == "optimiser buffer 2");
    CHECK(named(s.size() - 1) == "training loss");
  }

  TEST_CASE("experiment: an average is evaluated with the mean statistics of its training batches") {
    train::ExperimentConfig config = small_residual();
    config.average = "tail";
    config.average_share = 1;
    config.average_batches = 3;  // an epoch: every image once
    const train::Experiment experiment(config);
    const Vars phi = experiment.phi();
    const std::size_t parameters = experiment.model().parameters.size();
    Vars s = experiment.problem().init(phi), mean(parameters);
    for (std::int64_t t = 0; t < 3; ++t) {
      s = experiment.problem().step(s, phi, t);
      for (std::size_t i = 0; i < parameters; ++i) mean[i] = mean[i] ? mean[i] + s[i] / 3 : s[i] / 3;
    }
    const train::Network net = experiment.network(s);
    for (std::size_t i = 0; i < parameters; ++i)
      for (std::int64_t k = 0; k < mean[i].size(); ++k)
        REQUIRE(net.parameters[i].value().at(k) == doctest::Approx(mean[i].value().at(k)).epsilon(1e-12));
    // The first BatchNorm's mean over three batches is that over all images at once.
    nn::Pass pass{.momentum = 1};
    experiment.model().forward(net.parameters, experiment.data(datasets::Part::train).all(DType::f64).x, pass);
    for (std::int64_t k = 0; k < net.stats[0].size(); ++k)
      CHECK(net.stats[0].value().at(k) == doctest::Approx(pass.updated[0].value().at(k)).epsilon(1e-12));
    CHECK(experiment.problem().outer(s, phi, 0).item() ==
          doctest::Approx(experiment.evaluate(s, datasets::Part::validation).loss).epsilon(1e-12));
    const std::vector<std::string> names = experiment.state_names();
    REQUIRE(names.size() == s.size());
    const std::size_t averages = parameters + experiment.model().stats.size();
    CHECK(names[averages] == "average/conv.weight");
    s[averages] = Tensor::full(s[averages].shape(), std::nan(""), DType::f64);
    CHECK(experiment.first_non_finite(s) == "average of conv.weight");
  }

  TEST_CASE("experiment: two views are the mean logits of an image and its mirror image") {
    train::ExperimentConfig config = small_experiment();
    config.test_views = 2;
    const train::Experiment experiment(config);
    const Vars s = experiment.problem().init(experiment.phi());
    const datasets::Batch all = experiment.data(datasets::Part::test).all(DType::f64);
    Tensor mirror(all.x.shape(), DType::f64);
    for (std::int64_t k = 0; k < mirror.size(); ++k) mirror.data<double>()[k] = all.x.at(k / 8 * 8 + 7 - k % 8);
    const auto logits = [&](const Tensor& x) {
      nn::Pass pass{.training = false};
      return experiment.model().forward(experiment.model().parameters, x, pass);
    };
    CHECK(experiment.evaluate(s, datasets::Part::test).loss ==
          doctest::Approx(nn::cross_entropy((logits(all.x) + logits(mirror)) / 2, all.y).item()).epsilon(1e-12));
    config.test_views = 3;
    CHECK_THROWS_AS(train::Experiment{config}, ValueError);
  }

  TEST_CASE("experiment: brightness multiplies pixels before they are normalised") {
    // One step at a learning rate so small that the loss is that of the start: brightness 0 and a black image agree.
    train::ExperimentConfig config = small_experiment();
    config.dataset = "synthetic";
    const double plain =
        train::Experiment(config).problem().loss(train::Experiment(config).problem().init({}), {}, 0).item();
    config.augment = {"brightness=0.5"};
    const train::Experiment bright(config);
    CHECK(bright.hyper().at("brightness") == 0.5);
    CHECK(bright.problem().loss(bright.problem().init({}), {}, 0).item() != plain);
    config.hyper["brightness"] = 0;  // what is set wins
    const train::Experiment set(config);
    CHECK(set.problem().loss(set.problem().init({}), {}, 0).item() == plain);
  }

  TEST_CASE("experiment: an evaluation in pieces is the mean over all images") {
    train::ExperimentConfig config = small_experiment();
    config.validation = 730;  // 500 and 230
    const train::Experiment experiment(config);
    const Vars s = experiment.problem().init(experiment.phi());
    const datasets::Dataset& images = experiment.data(datasets::Part::validation);
    const datasets::Batch all = images.all(DType::f64);
    nn::Pass pass{.training = false};
    const Var logits = experiment.model().forward(experiment.model().parameters, all.x, pass);
    const train::Score score = experiment.evaluate(s, datasets::Part::validation);
    CHECK(score.loss == doctest::Approx(nn::cross_entropy(logits, all.y).item()).epsilon(1e-12));
    CHECK(score.accuracy == doctest::Approx(nn::accuracy(logits.value(), all.y)).epsilon(1e-12));
  }

  TEST_CASE("experiment: where tuning starts, and on which scale it searches, by name") {
    using hpo::Transform;
    struct Usual {
      const char* name;
      double start;
      Transform transform;
    };
    for (const auto& [name, start, transform] : {Usual{"lr", 0.05, Transform::log},
                                                 {"momentum", 0.8, Transform::logit},
                                                 {"weight_decay", 1e-2, Transform::log},
                                                 {"label_smoothing", 0.05, Transform::logit},
                                                 {"l2", 1e-4, Transform::log},
                                                 {"l1", 1e-4, Transform::log},
                                                 {"noise_std", 0.1, Transform::log},
                                                 {"brightness", 0.1, Transform::log},
                                                 {"clip_norm", 1, Transform::log},
                                                 {"init_scale", 1, Transform::log}}) {
      CAPTURE(name);
      train::ExperimentConfig config = small_experiment();
      config.tune = {name};
      const train::Experiment experiment(config);
      CHECK(experiment.hyper().at(name) == start);
      CHECK(experiment.space()[0].transform == transform);
      CHECK(experiment.space().values(experiment.phi())[0] == doctest::Approx(start).epsilon(1e-12));
    }
    train::ExperimentConfig config = small_experiment();
    config.hyper["class_weights[3]"] = 2;
    config.tune = {"class_weights"};
    const std::vector<double> weights = train::Experiment(config).space().values(train::Experiment(config).phi());
    for (std::size_t c = 0; c < 10; ++c) CHECK(weights[c] == doctest::Approx(c == 3 ? 2 : 1).epsilon(1e-12));
    CHECK(train::Experiment(config).data(datasets::Part::validation).size() == 250);  // a sixth of 1500
  }

  TEST_CASE("experiment: the first bad tensor is named") {
    const train::Experiment experiment(small_experiment());
    Vars s = experiment.problem().init(experiment.phi());
    CHECK(experiment.first_non_finite(s).empty());
    s[1] = Tensor::full(s[1].shape(), std::nan(""), DType::f64);
    CHECK(experiment.first_non_finite(s) == experiment.model().names[1]);
  }
}

TEST_SUITE("fast") {
  TEST_CASE("experiment: one that shares the data of another is the one that reads them, and other data are read") {
    train::ExperimentConfig config;
    config.steps = 3;
    config.noise = 0.2;
    const train::Experiment first(config);
    const auto trained = [](const train::Experiment& experiment) {
      return train::Experiment::training_loss(hpo::train(experiment.problem(), experiment.phi(), 3).s);
    };
    config.optimizer = "adam";
    const train::Experiment shared(config, first), own(config);
    CHECK(&shared.data(datasets::Part::train) == &first.data(datasets::Part::train));
    CHECK(trained(shared) == trained(own));
    const auto other = [&](auto&& change) {
      train::ExperimentConfig changed = config;
      change(changed);
      const train::Experiment made(changed, first);
      CHECK(&made.data(datasets::Part::train) != &first.data(datasets::Part::train));
      CHECK(trained(made) == trained(train::Experiment(changed)));
    };
    other([](auto& c) { c.seed = 1; });
    other([](auto& c) { c.noise = 0.3; });
    other([](auto& c) { c.train_limit = 500; });
    other([](auto& c) { c.validation = 100; });
    other([](auto& c) { c.imbalance = 2; });
  }
}

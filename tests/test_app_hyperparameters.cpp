// Hyperparameters beyond the optimiser's: hypergradients three ways, and what each one does.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/hpo/unroll/reverse.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/meta_weight_net.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>

#include "experiment_check.h"

using namespace glocal;
using namespace glocal::app;

namespace {

train::ExperimentConfig with(std::vector<std::string> tune, std::map<std::string, train::HyperValue> values = {}) {
  train::ExperimentConfig config = small_experiment();
  config.steps = 3;
  config.tune = std::move(tune);
  for (const auto& [name, value] : values) config.hyper[name] = value;
  return config;
}

Vars trained(const train::ExperimentConfig& config) {
  const train::Experiment experiment(config);
  const Vars phi = experiment.phi();
  Vars s = experiment.problem().init(phi);
  for (std::int64_t t = 0; t < config.steps; ++t) s = experiment.problem().step(s, phi, t);
  return s;
}

bool same(const Vars& a, const Vars& b, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (!same_bits(a[i].value(), b[i].value())) return false;
  return true;
}

double largest_difference(const Vars& a, const Vars& b, std::size_t count) {
  double largest = 0;
  for (std::size_t i = 0; i < count; ++i)
    for (std::int64_t j = 0; j < a[i].size(); ++j)
      largest = std::max(largest, std::abs(a[i].value().at(j) - b[i].value().at(j)));
  return largest;
}

// Truncated hypergradients of five steps move the hyperparameters by Adam while the network trains.
std::pair<Vars, Vars> tuned_while_training(const train::Experiment& experiment, std::int64_t steps, double meta_lr) {
  const Vars like = experiment.phi();
  hpo::MetaOptimizer meta;
  meta.name = "adam";
  meta.lr = meta_lr;
  std::vector<double> u = hpo::to_components(like, like);
  Vars s = experiment.problem().init(like), phi = like;
  for (std::int64_t t = 0; t < steps; t += 5) {
    const hpo::ReverseRun block = hpo::run_reverse(experiment.problem(), s, phi, t, 5);
    s = block.s;
    u = meta.step(std::move(u), block.h);
    phi = hpo::to_leaves(u, like);
  }
  return {s, phi};
}

constexpr std::size_t weights = 4;  // of the small experiment: two layers with weight and bias

}  // namespace

TEST_SUITE("gradcheck") {
  TEST_CASE("hyperparameters: hypergradients three ways for factors on lr and weight_decay of each layer") {
    check_three_ways(with({"lr@each", "weight_decay@each", "lr@biases"}));
  }

  TEST_CASE("hyperparameters: hypergradients three ways for factors on a schedule of the learning rate") {
    train::ExperimentConfig config = with({"lr", "lr@layers.0"}, {{"lr@biases", 3}});
    config.schedule = "cosine";
    check_three_ways(config);
  }

  TEST_CASE("hyperparameters: a learning rate of lr@GROUP = 0 freezes the group, and derivatives agree through it") {
    train::ExperimentConfig config = with({"lr", "momentum"}, {{"lr@layers.0", 0}});
    check_three_ways(config);
    const train::Experiment experiment(config);
    Vars s = experiment.problem().init(experiment.phi());
    for (std::int64_t t = 0; t < 3; ++t) s = experiment.problem().step(s, experiment.phi(), t);
    for (std::size_t i = 0; i < 4; ++i) {
      const bool frozen = experiment.model().names[i].starts_with("layers.0");
      CHECK(same_bits(s[i].value(), experiment.model().parameters[i].value()) == frozen);
    }
    config.tune = {"lr@layers.0"};
    CHECK_THROWS_WITH_AS(train::Experiment{config}, doctest::Contains("cannot start at 0"), ValueError);
  }

  TEST_CASE("hyperparameters: hypergradients three ways for penalties of the whole model and of groups") {
    check_three_ways(
        with({"l2", "l1", "l2@weights", "l1@layers.1"}, {{"l2", 0.01}, {"l1", 1e-3}, {"l2@weights", 0.02}}));
  }

  TEST_CASE("hyperparameters: hypergradients three ways for class_weights") {
    train::ExperimentConfig config = with({"class_weights", "label_smoothing"}, {{"class_weights[3]", 2}});
    config.imbalance = 5;
    config.train_limit = 0;
    check_three_ways(config);
  }

  TEST_CASE("hyperparameters: hypergradients three ways for meta_weight_net") {
    train::ExperimentConfig config = with({"meta_weight_net"}, {{"meta_weight_net", 8}});
    config.noise = 0.4;
    check_three_ways(config, 1e-5);
  }

  TEST_CASE("hyperparameters: hypergradients three ways for noise_std") {
    check_three_ways(with({"noise_std", "lr"}, {{"noise_std", 0.3}}));
  }

  TEST_CASE("hyperparameters: hypergradients three ways for all of them with Adam and every optimiser's decay") {
    for (const std::string optimizer : {"sgd", "nesterov", "adam", "adamw", "rmsprop", "adagrad"}) {
      CAPTURE(optimizer);
      train::ExperimentConfig config = with(
          {"lr@layers.0", "weight_decay@weights", "l2@layers.1", "l1", "class_weights", "noise_std", "meta_weight_net"},
          {{"meta_weight_net", 4}, {"l1", 1e-2}, {"l2@layers.1", 1e-2}, {"class_weights[0]", 3}});
      if (optimizer != "sgd" && optimizer != "nesterov") {
        config.hyper.erase("momentum");
        config.hyper["eps"] =
            1e-2;  // else the first step is nearly the sign of the gradient, and differences see jumps
      }
      config.hyper["lr"] = 0.01;
      config.optimizer = optimizer;
      check_three_ways(config, 1e-5, 1e-5, 5);
    }
  }

  TEST_CASE("hyperparameters: hypergradients three ways through batch norm with Adam") {
    train::ExperimentConfig config =
        with({"lr@norms", "lr@fc", "l2@conv", "l1@blocks.0", "noise_std", "meta_weight_net"},
             {{"meta_weight_net", 1}, {"l1@blocks.0", 1e-2}, {"l2@conv", 1e-2}, {"lr", 0.01}, {"eps", 1e-2}});
    config.hyper.erase("momentum");
    config.model_options.hidden = nn::ModelOptions{}.hidden;
    config.model_options.activation = nn::ModelOptions{}.activation;
    config.model = "resnet20";
    config.optimizer = "adam";
    config.batch = 4;
    config.val_batch = 4;
    config.steps = 2;
    check_three_ways(config, 1e-6, 1e-5);
  }
}

TEST_SUITE("fast") {
  TEST_CASE("hyperparameters: a factor of 1 changes no bit, a factor of 2 on every group is twice the learning rate") {
    for (const std::string& optimizer : optim::optimizer_names()) {
      CAPTURE(optimizer);
      train::ExperimentConfig config = with({});
      config.hyper = {{"lr", 0.05}};
      config.optimizer = optimizer;
      const Vars plain = trained(config);
      config.hyper["lr@weights"] = 1;
      if (optim::make_optimizer(optimizer).joint) {
        CHECK_THROWS_WITH_AS(trained(config), doctest::Contains("steps all parameters together"), ValueError);
        continue;
      }
      CHECK(same(trained(config), plain, plain.size()));
      config.hyper["lr@weights"] = config.hyper["lr@biases"] = 2;
      const Vars grouped = trained(config);
      config.hyper = {{"lr", 0.1}};
      const Vars twice = trained(config);
      CHECK(same(grouped, twice, twice.size()));
      CHECK_FALSE(same(grouped, plain, weights));
    }
  }

  TEST_CASE("hyperparameters: l2 in the loss is SGD's weight decay, of the model and of each layer") {
    const Vars decayed = trained(with({}, {{"weight_decay", 0.03}}));
    CHECK(largest_difference(trained(with({}, {{"weight_decay", 0}, {"l2", 0.03}})), decayed, weights) < 1e-15);
    const Vars by_layer = trained(with({}, {{"weight_decay", 0}, {"l2@layers.0", 0.03}, {"l2@layers.1", 0.03}}));
    CHECK(largest_difference(by_layer, decayed, weights) < 1e-15);
    const Vars half = trained(with({}, {{"weight_decay", 0.03}, {"weight_decay@layers.1", 0.5}}));
    const Vars same_half = trained(with({}, {{"weight_decay", 0}, {"l2@layers.0", 0.03}, {"l2@layers.1", 0.015}}));
    CHECK(largest_difference(half, same_half, weights) < 1e-15);
    // Adam divides the decay by the root of its second moment with the rest of the gradient: coupled, as l2 is.
    train::ExperimentConfig adam = with({});
    adam.optimizer = "adam";
    adam.hyper = {{"weight_decay", 0.03}};
    const Vars coupled = trained(adam);
    adam.hyper = {{"l2", 0.03}};
    CHECK(largest_difference(trained(adam), coupled, weights) < 1e-12);
  }

  TEST_CASE(
      "hyperparameters: the training loss holds the penalties and the reported value is the one that is lowered") {
    const train::ExperimentConfig config = with({}, {{"l2", 0.5}, {"l1@biases", 0.25}});
    const train::Experiment experiment(config), plain(with({}));
    const Vars s = trained(config), phi;
    double squares = 0, absolute = 0;
    for (std::size_t i = 0; i < weights; ++i)
      for (std::int64_t j = 0; j < s[i].size(); ++j) {
        const double w = s[i].value().at(j);
        squares += w * w;
        if (i % 2 == 1) absolute += std::sqrt(w * w + 1e-6) - 1e-3;
      }
    const double cross_entropy = plain.problem().loss(s, phi, 2).item();
    const double loss = experiment.problem().loss(s, phi, 2).item();
    CHECK(loss == doctest::Approx(cross_entropy + 0.25 * squares + 0.25 * absolute).epsilon(1e-12));
    const Vars next = experiment.problem().step(s, phi, 2);
    CHECK(train::Experiment::training_loss(next) == doctest::Approx(loss).epsilon(1e-14));
  }

  TEST_CASE("hyperparameters: class weights count by their ratio alone") {
    const Vars one = trained(with({}, {{"class_weights[2]", 3}}));
    const Vars scaled = trained(with({}, {{"class_weights", 4}, {"class_weights[2]", 12}}));
    CHECK(largest_difference(one, scaled, weights) < 1e-14);
    // Also where a network weighs each example by its loss.
    const Vars weighed = trained(with({}, {{"class_weights[2]", 3}, {"meta_weight_net", 5}}));
    const Vars alike = trained(with({}, {{"class_weights", 4}, {"class_weights[2]", 12}, {"meta_weight_net", 5}}));
    CHECK(largest_difference(weighed, alike, weights) < 1e-13);
    CHECK_FALSE(same(one, trained(with({})), weights));
    const train::Experiment experiment(with({}, {{"class_weights[2]", 3}}));
    CHECK(experiment.hyper().at("class_weights") == std::vector<double>{1, 1, 3, 1, 1, 1, 1, 1, 1, 1});
    CHECK(train::Experiment(with({}, experiment.hyper())).hyper() == experiment.hyper());
    CHECK(train::Experiment(with({})).hyper().at("class_weights") == 1);
  }

  TEST_CASE("meta weight net: the innermost derivative does not see the weight, those around it do") {
    const nn::MetaWeightNet net(key(1), 16, DType::f64);
    const Var w = Tensor::from(std::vector<double>{0.4, 1.3, 2.5}, {3});
    const auto losses = [](const Var& x) { return square(x) + 0.1; };
    const Var v = net(losses(w));
    const auto objective = [&](const Var& x) { return nn::meta_weighted_mean(net, losses(x)); };
    const Var gradient = grad(objective)(w);
    // The field V(l) grad l / sum V, and its derivative along d, by differences.
    const auto field = [&](const Var& x) { return net(losses(x)) / sum(net(losses(x))) * 2.0 * x; };
    const Var expected = field(w);
    const Var d = Tensor::from(std::vector<double>{1, -0.5, 0.3}, {3});
    const Var bent = hvp(objective, w, d);
    const Var difference = (field(w + 1e-6 * d) - field(w - 1e-6 * d)) / 2e-6;
    for (std::int64_t i = 0; i < 3; ++i) {
      CHECK(gradient.value().at(i) == doctest::Approx(expected.value().at(i)).epsilon(1e-14));
      CHECK(bent.value().at(i) == doctest::Approx(difference.value().at(i)).epsilon(1e-7));
      CHECK(v.value().at(i) > 0);
      CHECK(v.value().at(i) < 1);
    }
    CHECK_THROWS_AS(nn::MetaWeightNet(Var(Tensor::zeros({300}, DType::f64))), ShapeError);
  }

  TEST_CASE("experiment: a long tail and wrong labels leave validation and test as they are") {
    train::ExperimentConfig config = with({});
    config.train_limit = 0;
    const train::Experiment plain(config);
    config.imbalance = 20;
    config.noise = 0.4;
    config.noise_kind = "pair";
    const train::Experiment hard(config);
    for (const datasets::Part part : {datasets::Part::validation, datasets::Part::test}) {
      CHECK(hard.data(part).labels == plain.data(part).labels);
      CHECK(hard.data(part).pixels == plain.data(part).pixels);
    }
    CHECK(hard.data(datasets::Part::train).size() < plain.data(datasets::Part::train).size());
    config.noise_kind = "no";
    CHECK_THROWS_AS(train::Experiment{config}, ValueError);
  }

  TEST_CASE("hyperparameters: names, groups and values that do not exist are refused by name") {
    const auto message = [](const train::ExperimentConfig& config) {
      try {
        const train::Experiment experiment(config);
      } catch (const ValueError& error) {
        return std::string(error.what());
      }
      return std::string("accepted");
    };
    CHECK(message(with({"lr@conv9"})).find("weights, biases, norms, layers.0, layers.1") != std::string::npos);
    CHECK(message(with({"momentum@weights"})).find("\"momentum@weights\" is no hyperparameter of") !=
          std::string::npos);
    CHECK(message(with({"weight_dcay@biases"})).find("did you mean weight_decay@biases?") != std::string::npos);
    CHECK(message(with({"no"})).find("--tune: \"no\" is no hyperparameter of") != std::string::npos);
    CHECK(message(with({"lr@norms"})).find("\"norms\" is no group of parameters") != std::string::npos);
    CHECK(message(with({}, {{"class_weights[10]", 1}})).find("has 10") != std::string::npos);
    CHECK(message(with({}, {{"l2[0]", 1}})).find("l2 has 1 component and no l2[0]") != std::string::npos);
    CHECK(message(with({}, {{"class_weights[2]", 0}})).find("class_weights[2]: 0 is no number > 0") !=
          std::string::npos);
    CHECK(message(with({}, {{"l1", -1}})).find("l1: -1 is no number >= 0") != std::string::npos);
    CHECK(message(with({}, {{"meta_weight_net", 2.5}})).find("whole number") != std::string::npos);
    CHECK(message(with({"lr", "lr"})).find("twice") != std::string::npos);
    CHECK(message(with({"weight_decay@weights"}, {{"weight_decay", 0}})).find("which is 0") != std::string::npos);
  }
}

TEST_SUITE("slow") {
  TEST_CASE("meta weight net: tuned on digits with 40 % wrong labels it weighs them less and learns more") {
    train::ExperimentConfig config;
    config.model_options.hidden = {64};
    config.batch = 64;
    config.val_batch = 128;
    config.steps = 600;
    config.noise = 0.4;
    config.hyper = {{"lr", 0.1}, {"momentum", 0.9}};
    const train::Experiment plain(config);
    config.noise = 0;
    const train::Experiment clean(config);
    config.noise = 0.4;
    config.tune = {"meta_weight_net"};
    const train::Experiment experiment(config);
    const auto [s, phi] = tuned_while_training(experiment, config.steps, 0.01);

    const datasets::Dataset& train = experiment.data(datasets::Part::train);
    const datasets::Batch all = train.all();
    nn::Pass pass{.training = false, .stats = {}};
    const Var logits = experiment.model().forward({s.begin(), s.begin() + weights}, all.x, pass);
    const Tensor v = nn::MetaWeightNet(phi[0])(nn::cross_entropies(logits, all.y)).value();
    double right = 0, wrong = 0, rights = 0, wrongs = 0;
    for (std::int64_t i = 0; i < train.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const bool is_right = train.labels[at] == clean.data(datasets::Part::train).labels[at];
      (is_right ? right : wrong) += v.at(i);
      ++(is_right ? rights : wrongs);
    }
    CHECK(wrong / wrongs < 0.5 * right / rights);
    const hpo::TuneResult unweighted = hpo::train(plain.problem(), plain.phi(), config.steps);
    CHECK(experiment.evaluate(s, datasets::Part::test).accuracy >
          plain.evaluate(unweighted.s, datasets::Part::test).accuracy + 0.1);
  }

  TEST_CASE("class weights: tuned on long-tailed digits they raise rare classes and balanced accuracy") {
    train::ExperimentConfig config;
    config.model_options.hidden = {64};
    config.batch = 64;
    config.val_batch = 128;
    config.steps = 600;
    config.imbalance = 50;
    config.hyper = {{"lr", 0.05}, {"momentum", 0.9}};
    const train::Experiment plain(config);
    config.tune = {"class_weights"};
    const train::Experiment experiment(config);
    const auto [s, phi] = tuned_while_training(experiment, config.steps, 0.05);
    const std::vector<double> w = experiment.space().values(phi);
    CHECK(w[7] + w[8] + w[9] > 2 * (w[0] + w[1] + w[2]));
    const hpo::TuneResult unweighted = hpo::train(plain.problem(), plain.phi(), config.steps);
    CHECK(experiment.evaluate(s, datasets::Part::validation).accuracy >
          plain.evaluate(unweighted.s, datasets::Part::validation).accuracy);
  }
}

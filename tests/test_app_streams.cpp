// The randomness of a run: what each key of it draws is drawn here again by a table of streams of its own, in which no
// two uses share a key and no two steps share a draw.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/autodiff/ops.h>
#include <glocal/core/random.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>
#include <glocal/datasets/variants.h>
#include <glocal/hpo/estimators/evolution.h>
#include <glocal/hpo/estimators/random_forward.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/meta_weight_net.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/registry.h>
#include <glocal/nn/pass.h>
#include <glocal/train/experiment.h>

#include "quadratic.h"

using namespace glocal;
using namespace glocal::app;
using datasets::Part;

namespace {

// Children of the seed's key. Numbers that are given to one use are never given to another: old runs keep their bits.
struct Streams {
  Key root;
  explicit Streams(std::uint64_t seed) : root(key(seed)) {}
  Key parts() const { return split(root, 0); }
  Key training_order() const { return split(root, 1); }
  Key validation_order() const { return split(root, 2); }
  Key weights() const { return split(root, 3); }
  Key masks(std::uint64_t t) const { return split(split(root, 4), t); }
  Key tail() const { return split(split(root, 5), 0); }
  Key wrong_labels() const { return split(split(root, 5), 1); }
  Key noise(std::uint64_t t) const { return split(split(root, 6), t); }
  Key weighting() const { return split(root, 7); }
};

train::ExperimentConfig everything_random() {
  train::ExperimentConfig config;
  config.seed = 9;
  config.validation = 300;
  config.imbalance = 3;
  config.noise = 0.3;
  config.model_options.hidden = {6};
  config.model_options.dropout = 0.4;
  config.model_options.dtype = DType::f64;
  config.steps = 40;
  config.batch = 50;
  config.val_batch = 70;
  config.hyper = {{"noise_std", 0.2}};
  return config;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("streams: images, wrong labels and first weights are drawn by keys of their own") {
    const train::ExperimentConfig config = everything_random();
    const train::Experiment experiment(config);
    const Streams streams(config.seed);
    datasets::Parts parts = datasets::load_parts("digits", 300, streams.parts());
    parts.train = datasets::long_tailed(parts.train, 3, streams.tail());
    parts.train = datasets::noisy_labels(parts.train, 0.3, streams.wrong_labels()).data;
    CHECK(experiment.data(Part::train).labels == parts.train.labels);
    CHECK(experiment.data(Part::train).pixels == parts.train.pixels);
    CHECK(experiment.data(Part::validation).pixels == parts.validation.pixels);
    const nn::Model model = nn::make_model("mlp", streams.weights(), {1, 8, 8}, 10, config.model_options);
    for (std::size_t i = 0; i < model.parameters.size(); ++i)
      CHECK(same_bits(model.parameters[i].value(), experiment.model().parameters[i].value()));

    train::ExperimentConfig weighted = config;
    weighted.hyper = {{"meta_weight_net", 5}};
    weighted.tune = {"meta_weight_net"};
    const nn::MetaWeightNet net(streams.weighting(), 5, DType::f64);
    const std::vector<double> start =
        hpo::to_components(train::Experiment(weighted).phi(), train::Experiment(weighted).phi());
    std::size_t next = 0;
    for (const Var& leaf : flatten(net))
      for (std::int64_t i = 0; i < leaf.size(); ++i) CHECK(start.at(next++) == leaf.value().at(i));
    CHECK(next == start.size());
  }

  TEST_CASE("streams: batch, input noise and dropout masks of each step, and the validation batch of each block") {
    const train::ExperimentConfig config = everything_random();
    const train::Experiment experiment(config);
    const Streams streams(config.seed);
    const Vars phi = experiment.phi(), s = experiment.problem().init(phi);
    const datasets::Dataset &train = experiment.data(Part::train), &validation = experiment.data(Part::validation);
    const datasets::BatchOrder order(train.size(), 50, streams.training_order());
    std::set<double> losses;
    for (const std::int64_t t : {0, 1, 2, 39}) {
      CAPTURE(t);
      const auto batch = train.batch(order(t), DType::f64);
      const auto step = static_cast<std::uint64_t>(t);
      const Tensor n = normal(streams.noise(step), batch.x.shape(), 0, 1, DType::f64);
      nn::Pass pass{.training = true, .key = streams.masks(step)};
      const Var logits = experiment.model().forward(experiment.model().parameters, Var(batch.x) + 0.2 * Var(n), pass);
      const double loss = experiment.problem().loss(s, phi, t).item();
      CHECK(loss == doctest::Approx(nn::cross_entropy(logits, batch.y).item()).epsilon(1e-12));
      losses.insert(loss);
    }
    CHECK(losses.size() == 4);
    const datasets::BatchOrder outer_order(validation.size(), 70, streams.validation_order());
    for (const std::int64_t block : {0, 1, 7}) {
      CAPTURE(block);
      const auto batch = validation.batch(outer_order(block), DType::f64);
      nn::Pass pass{.training = false};
      const Var logits = experiment.model().forward(experiment.model().parameters, batch.x, pass);
      CHECK(experiment.problem().outer(s, phi, block).item() ==
            doctest::Approx(nn::cross_entropy(logits, batch.y).item()).epsilon(1e-12));
    }
  }

  TEST_CASE("streams: on one batch of all images the steps differ in their noise, or in their masks, alone") {
    for (const bool masks : {false, true}) {
      CAPTURE(masks);
      train::ExperimentConfig config = everything_random();
      config.imbalance = 1;
      config.batch = 1200;
      if (masks)
        config.hyper.clear();
      else
        config.model_options.dropout = 0;
      const train::Experiment experiment(config);
      const Vars phi = experiment.phi(), s = experiment.problem().init(phi);
      const double first = experiment.problem().loss(s, phi, 0).item();
      for (const std::int64_t t : {1, 2, 3})
        CHECK(std::abs(experiment.problem().loss(s, phi, t).item() - first) > 1e-6);
      CHECK(experiment.problem().loss(s, phi, 0).item() == first);
    }
  }

  TEST_CASE("streams: an estimator's draws come from its seed by numbers that no problem uses") {
    // E = c . phi, whatever was trained.
    const std::vector<double> c{2, -1, 0.5};
    hpo::FlatProblem linear;
    linear.init = [](const Vars&) { return Vars{hpo::number(0)}; };
    linear.step = [](const Vars& s, const Vars&, std::int64_t) { return s; };
    linear.outer = [&](const Vars&, const Vars& phi, std::int64_t) {
      return c[0] * phi[0] + c[1] * phi[1] + c[2] * phi[2];
    };
    const Vars phi{hpo::number(0.3), hpo::number(-1), hpo::number(2)};
    constexpr std::int64_t t0 = 12, tau = 4, count = 3;
    constexpr std::uint64_t seed = 21;
    const auto estimated = [&](hpo::Estimator&& estimator) {
      hpo::Progress progress{linear.init(phi), {}, t0, 40};
      return estimator.advance(linear, phi, progress).h;
    };
    const Key evolution = split(split(key(seed), 0x65766f6c), t0), random = split(split(key(seed), 0x72616e64), t0);
    std::vector<double> by_pairs(3), by_directions(3);
    for (std::uint64_t i = 0; i < count; ++i) {
      const Tensor e = normal(split(evolution, i), {3}, 0, 1, DType::f64);
      const Tensor coin = bernoulli(split(random, i), 0.5, {3}, DType::f64);
      double along_e = 0, along_v = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        along_e += c[k] * e.at(std::int64_t(k));
        along_v += c[k] * (2 * coin.at(std::int64_t(k)) - 1);
      }
      for (std::size_t k = 0; k < 3; ++k) {
        by_pairs[k] += e.at(std::int64_t(k)) * along_e / count;
        by_directions[k] += (2 * coin.at(std::int64_t(k)) - 1) * along_v / count;
      }
    }
    const std::vector<double> es = estimated(hpo::Evolution(false, tau, count, 0.01, seed));
    const std::vector<double> forward = estimated(hpo::RandomForward(tau, count, seed, false));
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(es[k] == doctest::Approx(by_pairs[k]).epsilon(1e-9));
      CHECK(forward[k] == doctest::Approx(by_directions[k]).epsilon(1e-12));
    }
  }

  TEST_CASE("streams: --seed reaches the problem and the estimators") {
    Options options;
    options.experiment.model_options.hidden = {4};
    const train::Experiment experiment = build(options, 17);
    CHECK(options.tuning.estimator_options.seed == 17);
    const nn::Model model = nn::make_model("mlp", Streams(17).weights(), {1, 8, 8}, 10, {.hidden = {4}});
    CHECK(same_bits(experiment.model().parameters[0].value(), model.parameters[0].value()));
  }
}

#include <glocal/train/experiment.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/augment.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/registry.h>
#include <glocal/nn/pass.h>
#include <glocal/optim/average.h>
#include <glocal/optim/clip.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>
#include <glocal/optim/schedule.h>
#include <glocal/train/batches.h>
#include <glocal/train/config.h>
#include <glocal/train/data.h>
#include <glocal/train/hyper_kinds.h>
#include <glocal/train/hyperparameters.h>
#include <glocal/train/objective.h>
#include <glocal/train/refusal.h>
#include <glocal/train/streams.h>
#include <glocal/train/update.h>

namespace glocal::train {

using datasets::Part;

Var outputs_of(const nn::Model& model, const Network& network, const Tensor& x, std::int64_t views) {
  const auto outputs = [&](const Tensor& images) {
    nn::Pass pass{.training = false, .stats = network.stats};
    return model.forward(network.parameters, images, pass);
  };
  return views == 2 ? (outputs(x) + outputs(datasets::mirrored(x))) / 2 : outputs(x);
}

struct Experiment::Parts {
  ExperimentConfig config;
  std::shared_ptr<const datasets::Parts> images;
  const datasets::Parts& data;
  nn::Model model;
  optim::Optimizer optimizer;
  optim::Schedule schedule;
  optim::Average average;
  datasets::Augment augment;
  Hyperparameters hyper;
  Batches batches;
  Objective objective;
  Update update;
  datasets::BatchOrder validation_order, average_order;
  Key dropout_key;
  std::size_t parameters = 0, stats = 0;

  /// Reads the data unless `read` holds them.
  Parts(const ExperimentConfig& c, std::shared_ptr<const datasets::Parts> read, Key root)
      : Parts(c, read ? std::move(read) : std::make_shared<const datasets::Parts>(load_data(c, root)), root, nullptr) {}
  /// The same with its schedule in n steps.
  Parts(const Parts& whole, std::int64_t n)
      : Parts(whole.compressed(n), whole.images, key(whole.config.seed), &whole.model) {}
  Parts(const ExperimentConfig& c, std::shared_ptr<const datasets::Parts> read, Key root, const nn::Model* made)
      : config(c),
        images(std::move(read)),
        data(*images),
        model(made ? *made : make_model(c, data.train, child(root, Stream::initial_weights))),
        optimizer(optim::make_optimizer(c.optimizer)),
        schedule(make_schedule(c, optimizer)),
        average(optim::make_average(c.average, c.steps, c.average_share)),
        augment(make_augment(c, data.train, root)),
        hyper(fmt::format("{} with schedule {}", optimizer.name, schedule.name),
              hyper_kinds(optimizer, schedule, average, data.train.classes, child(root, Stream::meta_weights)), model,
              with_strengths(c.hyper, augment), c.tune, dtype(), c.given),
        batches(c, data.train, augment, hyper, root),
        objective(model, hyper, data.train.regression()),
        update(model, optimizer, schedule, hyper),
        validation_order(data.validation.size(), std::min(c.val_batch, data.validation.size()),
                         child(root, Stream::validation_order)),
        average_order(data.train.size(), c.batch, child(root, Stream::average_statistics)),
        dropout_key(child(root, Stream::dropout)),
        parameters(model.parameters.size()),
        stats(model.stats.size()) {}

  DType dtype() const { return config.model_options.dtype; }

  // What is said in steps becomes the same share of n steps, and an average remembers the same share of the run.
  ExperimentConfig compressed(std::int64_t n) const {
    ExperimentConfig c = config;
    const double share = static_cast<double>(n) / static_cast<double>(c.steps);
    const auto scaled = [&](std::int64_t steps, std::int64_t least) {
      return std::clamp<std::int64_t>(std::llround(static_cast<double>(steps) * share), least, n);
    };
    if (c.schedule_every > 0) c.schedule_every = scaled(c.schedule_every, 1);
    if (c.warm_up > 0) c.warm_up = scaled(c.warm_up, 0);
    if (const auto decay = hyper.values().find("average_decay");
        decay != hyper.values().end() && !hyper.tuned("average_decay"))
      c.hyper["average_decay"] = std::pow(decay->second.numbers[0], 1 / share);
    c.steps = n;
    return c;
  }

  static nn::Model make_model(const ExperimentConfig& c, const datasets::Dataset& images, Key key) {
    nn::Model model = nn::make_model(c.model, key, {images.channels, images.height, images.width},
                                     static_cast<int>(images.answers()), c.model_options);
    constexpr std::int64_t enough = 5000;
    if (model.fit_to)
      model.parameters =
          model.fit_to(model.parameters, images.range(0, std::min(enough, images.size()), c.model_options.dtype).x);
    return model;
  }

  struct State {
    Vars parameters, stats, averages, buffers;
  };
  std::size_t averages() const { return average.none() ? 0 : parameters; }
  State open(const Vars& s) const {
    const auto at = [&](std::size_t i) { return s.begin() + static_cast<std::ptrdiff_t>(i); };
    const std::size_t network = parameters + stats;
    return {{at(0), at(parameters)},
            {at(parameters), at(network)},
            {at(network), at(network + averages())},
            {at(network + averages()), s.end() - 1}};
  }
  static Vars close(State state, Var loss) {
    Vars s = std::move(state.parameters);
    for (const Vars* more : {&state.stats, &state.averages, &state.buffers})
      s.insert(s.end(), more->begin(), more->end());
    s.push_back(std::move(loss));
    return s;
  }

  Vars init(const Vars& phi) const {
    Vars start = model.parameters;
    if (hyper.used("init_scale"))
      for (Var& parameter : start) parameter = scale_by(parameter, hyper.value("init_scale", phi));
    return close({start, model.stats, average.none() ? Vars() : start, update.init(start)}, Tensor::zeros({}, dtype()));
  }

  // The loss that step t lowers, and the running statistics after it.
  std::pair<Var, Vars> training_loss(const Vars& weights, const Vars& stats_before, const Vars& phi,
                                     std::int64_t t) const {
    const auto [x, batch] = batches(phi, t);
    nn::Pass pass{.training = true, .key = split(dropout_key, static_cast<std::uint64_t>(t)), .stats = stats_before};
    const Var outputs = model.forward(weights, x, pass);
    return {objective.training(outputs, batch, weights, phi), pass.updated};
  }

  Var loss(const Vars& s, const Vars& phi, std::int64_t t) const {
    const State state = open(s);
    return training_loss(state.parameters, state.stats, phi, t).first;
  }

  Vars step(const Vars& s, const Vars& phi, std::int64_t t) const {
    State state = open(s);
    const auto lowered = [&](const Vars& weights) { return training_loss(weights, state.stats, phi, t); };
    const auto clipped = [&](Vars gradient) {
      if (!hyper.used("clip_norm")) return gradient;
      return optim::clip_by_global_norm(gradient, hyper.value("clip_norm", phi)).grads;
    };
    const auto elsewhere = [&](const Vars& weights) {
      auto [value_and_stats, gradient] = value_and_grad(lowered)(weights);
      return optim::Evaluation{clipped(std::move(gradient)), value_and_stats.first, {}};
    };
    auto [value_and_stats, gradient] = value_and_grad(lowered)(state.parameters);
    const optim::Evaluation seen{clipped(std::move(gradient)), value_and_stats.first, elsewhere};
    optim::Step next = update(phi, state.parameters, seen, state.buffers, t);
    if (!average.none()) {
      Vars values;
      for (const optim::HyperInfo& info : average.hyper) values.push_back(hyper.value(info.name, phi));
      state.averages = optim::averaged(average, values, state.averages, next.params, t);
    }
    return close({std::move(next.params), value_and_stats.second, std::move(state.averages), std::move(next.state)},
                 value_and_stats.first);
  }

  // What is evaluated.
  Network network(const Vars& s) const {
    State state = open(s);
    if (average.none() && !update.judges_others()) return {std::move(state.parameters), std::move(state.stats)};
    Vars judged = average.none() ? update.judged(state.parameters, state.buffers) : std::move(state.averages);
    if (stats == 0) return {std::move(judged), {}};
    Network net{std::move(judged), model.stats};
    for (std::int64_t i = 0; i < config.average_batches; ++i) {
      nn::Pass pass{.training = true,
                    .key = split(dropout_key, ~static_cast<std::uint64_t>(i)),
                    .stats = std::move(net.stats),
                    .momentum = 1 / static_cast<double>(i + 1)};
      model.forward(net.parameters, data.train.batch(average_order(i), dtype()).x, pass);
      net.stats = std::move(pass.updated);
    }
    return net;
  }

  Var outer(const Vars& s, std::int64_t block) const {
    const datasets::Batch batch = data.validation.batch(validation_order(block), dtype());
    return objective.plain(outputs_of(model, network(s), batch.x), batch);
  }

  static hpo::FlatProblem problem(const std::shared_ptr<const Parts>& parts) {
    hpo::FlatProblem problem;
    problem.init = [parts](const Vars& phi) { return parts->init(phi); };
    problem.step = [parts](const Vars& s, const Vars& phi, std::int64_t t) { return parts->step(s, phi, t); };
    problem.outer = [parts](const Vars& s, const Vars&, std::int64_t block) { return parts->outer(s, block); };
    problem.loss = [parts](const Vars& s, const Vars& phi, std::int64_t t) { return parts->loss(s, phi, t); };
    for (std::size_t i = 0; i < parts->hyper.space().size(); ++i) problem.names.push_back(parts->hyper.space()[i].name);
    return problem;
  }
};

Experiment::Experiment(const ExperimentConfig& config) : Experiment(config, nullptr) {}

Experiment::Experiment(const ExperimentConfig& config, const Experiment& other)
    : Experiment(config, same_data(config, other.parts_->config) ? other.parts_->images : nullptr) {}

Experiment::Experiment(const ExperimentConfig& config, std::shared_ptr<const datasets::Parts> images) {
  const auto at_least = [&](const char* name, std::int64_t value, std::int64_t least) {
    if (value < least) refuse_value(config.where(name), fmt::format("{}", value), fmt::format("number from {}", least));
  };
  at_least("val_size", config.validation, 0);
  at_least("schedule_every", config.schedule_every, 0);
  at_least("val_batch", config.val_batch, 1);
  at_least("average_batches", config.average_batches, 1);
  refuse_outside(config, "test_views", config.test_views, 1, 2, "an image, or with its mirror image");
  if (!(config.average_share > 0 && config.average_share <= 1))
    refuse_value(config.where("average_share"), fmt::format("{}", config.average_share), "number > 0, up to 1");
  constexpr std::int64_t most_steps = 1'000'000'000'000;
  refuse_outside(config, "steps", config.steps, 1, most_steps, "the most there can be");
  const auto parts = std::make_shared<const Parts>(config, std::move(images), key(config.seed));
  if (!parts->average.none() && parts->update.judges_others())
    refuse_value(config.where("average"), config.average,
                 fmt::format("average for {}, which judges an average of its own; use none", config.optimizer));
  parts_ = parts;
  problem_ = Parts::problem(parts);
  problem_.compressed = [parts](std::int64_t n) { return Parts::problem(std::make_shared<const Parts>(*parts, n)); };
}

const hpo::Space& Experiment::space() const { return parts_->hyper.space(); }
Vars Experiment::phi() const { return parts_->hyper.space().initial(dtype()); }
const nn::Model& Experiment::model() const { return parts_->model; }
const std::map<std::string, HyperValue>& Experiment::hyper() const { return parts_->hyper.values(); }
std::string Experiment::title() const { return parts_->data.train.title; }
DType Experiment::dtype() const { return parts_->dtype(); }

const datasets::Dataset& Experiment::data(Part part) const {
  return part == Part::train        ? parts_->data.train
         : part == Part::validation ? parts_->data.validation
                                    : parts_->data.test;
}

Score Experiment::evaluate(const Vars& s, Part part, const std::function<void()>& poll) const {
  const datasets::Dataset& images = data(part);
  const Network net = network(s);
  constexpr std::int64_t chunk = 500;
  Score score;
  for (std::int64_t begin = 0; begin < images.size(); begin += chunk) {
    poll();
    const datasets::Batch batch = images.range(begin, std::min(begin + chunk, images.size()), dtype());
    const Var outputs = outputs_of(parts_->model, net, batch.x, parts_->config.test_views);
    const auto count = static_cast<double>(batch.x.dim(0));
    score.loss += parts_->objective.plain(outputs, batch).item() * count;
    score.accuracy +=
        images.regression() ? std::numeric_limits<double>::quiet_NaN() : nn::accuracy(outputs.value(), batch.y) * count;
  }
  score.loss /= static_cast<double>(images.size());
  score.accuracy /= static_cast<double>(images.size());
  return score;
}

Network Experiment::network(const Vars& s) const { return parts_->network(s); }
int Experiment::gradients_per_step() const { return parts_->optimizer.evaluations; }

std::vector<std::string> Experiment::state_names() const {
  std::vector<std::string> names;
  for (const std::string& name : parts_->model.names) names.push_back("param/" + name);
  for (std::size_t i = 0; i < parts_->stats; ++i) names.push_back(fmt::format("stats/{}", i));
  for (std::size_t i = 0; i < parts_->averages(); ++i) names.push_back("average/" + parts_->model.names[i]);
  const std::size_t leaves = problem_.init(phi()).size();
  for (std::size_t i = 0; names.size() + 1 < leaves; ++i) names.push_back(fmt::format("optimizer/{}", i));
  names.emplace_back("training_loss");
  return names;
}

std::string Experiment::first_non_finite(const Vars& s) const {
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (is_finite(s[i].value())) continue;
    if (i < parts_->parameters) return parts_->model.names[i];
    if (i + 1 == s.size()) return "training loss";
    const std::size_t network = parts_->parameters + parts_->stats;
    if (i < network) return fmt::format("running statistics {}", i - parts_->parameters);
    if (i < network + parts_->averages()) return "average of " + parts_->model.names[i - network];
    return fmt::format("optimiser buffer {}", i - network - parts_->averages());
  }
  return "";
}

}  // namespace glocal::train

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
#include <glocal/datasets/ahead.h>
#include <glocal/datasets/augment.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/own/forms.h>
#include <glocal/datasets/sampling.h>
#include <glocal/datasets/variants.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/meta_weight_net.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/parameter_group.h>
#include <glocal/nn/models/registry.h>
#include <glocal/nn/pass.h>
#include <glocal/optim/average.h>
#include <glocal/optim/by_group.h>
#include <glocal/optim/clip.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>
#include <glocal/optim/schedule.h>
#include <glocal/train/hyper_kinds.h>
#include <glocal/train/hyperparameters.h>
#include <glocal/train/refusal.h>

namespace glocal::train {

using datasets::Part;

namespace {

// Streams of randomness of one run, children of the seed's key.
enum Stream : std::uint64_t {
  data_split,
  training_order,
  validation_order,
  initial_weights,
  dropout,
  data_variants,
  input_noise,
  meta_weights,
  augmentation,
  brightness,
  average_statistics
};

void refuse_outside(const ExperimentConfig& c, const char* key, std::int64_t value, std::int64_t least,
                    std::int64_t most, const std::string& of) {
  if (value < least || value > most)
    refuse_value(c.where(key), fmt::format("{}", value),
                 fmt::format("whole number from {} to {}, {}", least, most, of));
}

datasets::Parts load_data(const ExperimentConfig& c, Key root) {
  datasets::TrainTest both = datasets::load_both(c.dataset, data_options(c));
  const std::int64_t official = both.train.size();
  const std::int64_t validation = c.validation > 0 ? c.validation : std::max<std::int64_t>(1, official / 6);
  refuse_outside(c, "val_size", validation, 1, official - 1, "one less than the training part of " + c.dataset);
  datasets::Parts parts = datasets::divide(std::move(both), validation, split(root, data_split));
  refuse_outside(c, "train_limit", c.train_limit, 0, parts.train.size(), "the training images of " + c.dataset);
  if (c.train_limit > 0) {
    std::vector<std::int64_t> first(static_cast<std::size_t>(c.train_limit));
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<std::int64_t>(i);
    parts.train = parts.train.subset(first);
  }
  const Key variants = split(root, data_variants);
  if (parts.train.regression() && (c.imbalance != 1 || c.noise != 0))
    fail<ValueError>("[options] {}: of labels, and {} has a regression target; leave it out",
                     c.where(c.noise != 0 ? "noise" : "imbalance"), c.dataset);
  try {
    if (c.imbalance != 1) parts.train = datasets::long_tailed(parts.train, c.imbalance, split(variants, 0));
  } catch (const ValueError& error) {
    fail<ValueError>("[options] {}: {}", c.where("imbalance"), error.what());
  }
  const datasets::NoiseKind kind = datasets::noise_kind(c.noise_kind);
  if (c.noise != 0) parts.train = datasets::noisy_labels(parts.train, c.noise, split(variants, 1), kind).data;
  refuse_outside(c, "batch", c.batch, 1, parts.train.size(), "the training images of " + c.dataset);
  return parts;
}

}  // namespace

struct Experiment::Parts {
  ExperimentConfig config;
  datasets::Parts data;
  nn::Model model;
  optim::Optimizer optimizer;
  optim::Schedule schedule;
  optim::Average average;
  datasets::Augment augment;
  Hyperparameters hyper;
  datasets::BatchOrder train_order, validation_order, average_order;
  Key dropout_key, noise_key, brightness_key;
  std::size_t parameters = 0, stats = 0;

  // A number of the optimiser that NAME@GROUP multiplies; parameters with the same factors make one group of it.
  struct Factor {
    std::size_t number;
    std::string name;
    bool operator==(const Factor&) const = default;
  };
  std::vector<std::vector<Factor>> factors;  // of each group of the optimiser
  std::vector<std::size_t> group;            // of each parameter
  struct Penalty {
    std::string name;
    std::vector<std::size_t> members;
    Var (*of)(const Var& w);
  };
  std::vector<Penalty> penalties;
  datasets::Ahead<datasets::Batch> augmented;  // the last member: what it has begun uses the others

  Parts(const ExperimentConfig& c, Key root)
      : config(c),
        data(load_data(c, root)),
        model(nn::make_model(c.model, split(root, initial_weights),
                             {data.train.channels, data.train.height, data.train.width},
                             static_cast<int>(data.train.answers()), c.model_options)),
        optimizer(optim::make_optimizer(c.optimizer)),
        schedule(make_schedule(c, optimizer)),
        average(optim::make_average(c.average, c.steps, c.average_share)),
        augment(make_augment(c, data.train, split(root, augmentation))),
        hyper(fmt::format("{} with schedule {}", optimizer.name, schedule.name),
              hyper_kinds(optimizer, schedule, average, data.train.classes, split(root, meta_weights)), model,
              with_strengths(c.hyper, augment), c.tune, dtype(), c.given),
        train_order(data.train.size(), c.batch, split(root, training_order)),
        validation_order(data.validation.size(), std::min(c.val_batch, data.validation.size()),
                         split(root, Stream::validation_order)),
        average_order(data.train.size(), c.batch, split(root, average_statistics)),
        dropout_key(split(root, dropout)),
        noise_key(split(root, input_noise)),
        brightness_key(split(root, brightness)),
        parameters(model.parameters.size()),
        stats(model.stats.size()),
        augmented([this](std::int64_t t) { return images_of_step(t); }) {
    if (model.fit_to) {
      constexpr std::int64_t enough = 5000;
      model.parameters =
          model.fit_to(model.parameters, data.train.range(0, std::min(enough, data.train.size()), dtype()).x);
    }
    find_groups();
    find_penalties();
  }

  DType dtype() const { return config.model_options.dtype; }

  static optim::Schedule make_schedule(const ExperimentConfig& c, const optim::Optimizer& optimizer) {
    optim::ScheduleOptions options;
    options.T = c.steps;
    options.every = c.schedule_every > 0 ? c.schedule_every : std::max<std::int64_t>(1, c.steps / 3);
    options.milestones = c.milestones;
    options.knots = c.knots;
    options.warm_up = c.warm_up;
    const std::string steps = "the steps of the run";
    refuse_outside(c, "warm_up", c.warm_up, 0, c.steps, steps);
    for (std::size_t i = 0; i < c.milestones.size(); ++i)
      if (const double last = i == 0 ? 0 : c.milestones[i - 1]; !(c.milestones[i] > last && c.milestones[i] < 1))
        refuse_value(c.where("milestones"), fmt::format("{}", c.milestones[i]),
                     fmt::format("share of the run between {} and 1; they rise", last));
    if (c.schedule == "step") refuse_outside(c, "schedule_every", options.every, 1, c.steps, steps);
    if (c.schedule == "piecewise") refuse_outside(c, "knots", c.knots, 1, c.steps, steps);
    const auto given = c.hyper.find("lr");
    const bool initial = given != c.hyper.end() && !given->second.vector;
    for (const optim::HyperInfo& info : optimizer.hyper)
      if (info.name == "lr")
        return optim::make_schedule(c.schedule, "lr", initial ? given->second.numbers[0] : info.initial, options);
    fail<ValueError>("[experiment] {} has no learning rate", optimizer.name);
  }

  static datasets::Augment make_augment(const ExperimentConfig& c, const datasets::Dataset& images, Key key) {
    try {
      return {c.augment, images.height, images.width, key};
    } catch (const ValueError& error) {
      fail<ValueError>("[options] {}: {}", c.where("augment"), error.what());
    }
  }

  // A strength that is given or tuned as the hyperparameter that it is wins over the one in the list.
  static std::map<std::string, HyperValue> with_strengths(std::map<std::string, HyperValue> hyper,
                                                          const datasets::Augment& augment) {
    for (const auto& [name, strength] : augment.hyper()) hyper.try_emplace(name, strength);
    return hyper;
  }

  void find_groups() {
    std::vector<std::vector<Factor>> of_parameter(parameters);
    for (std::size_t number = 0; number < optimizer.hyper.size(); ++number) {
      const std::string& base = optimizer.hyper[number].name;
      for (const auto& [name, members] : hyper.groups_of(base)) {
        if (base != "lr" && !hyper.tuned(base) && hyper.values().at(base) == 0)
          fail<ValueError>("[experiment] {} is a factor on {}, which is 0; give it a value, --set {}=1e-4", name, base,
                           base);
        for (const std::size_t i : nn::parameter_group(model, members)) of_parameter[i].push_back({number, name});
      }
    }
    for (const std::vector<Factor>& own : of_parameter) {
      const auto same = std::find(factors.begin(), factors.end(), own);
      group.push_back(static_cast<std::size_t>(same - factors.begin()));
      if (same == factors.end()) factors.push_back(own);
    }
  }

  void find_penalties() {
    const std::pair<const char*, Var (*)(const Var&)> kinds[] = {{"l2", nn::l2_penalty}, {"l1", nn::l1_penalty}};
    for (const auto& [base, of] : kinds) {
      if (hyper.used(base)) {
        penalties.push_back({base, {}, of});
        for (std::size_t i = 0; i < parameters; ++i) penalties.back().members.push_back(i);
      }
      for (const auto& [name, members] : hyper.groups_of(base))
        penalties.push_back({name, nn::parameter_group(model, members), of});
    }
  }

  // What the optimiser takes at step t: its own numbers, with the schedule's learning rate.
  Vars optimizer_hyper(const Vars& phi, std::int64_t t) const {
    Vars scheduled, all;
    for (const optim::HyperInfo& info : schedule.hyper) scheduled.push_back(hyper.value(info.name, phi));
    for (const optim::HyperInfo& info : optimizer.hyper)
      all.push_back(info.name == "lr" ? schedule.at(scheduled, t) : hyper.value(info.name, phi));
    return all;
  }

  optim::Step update(const Vars& phi, const Vars& weights, const Vars& gradient, const Vars& buffers,
                     std::int64_t t) const {
    const Vars numbers = optimizer_hyper(phi, t);
    if (factors.size() <= 1 && (factors.empty() || factors[0].empty()))
      return optimizer.step(numbers, weights, gradient, buffers, t + 1);
    std::vector<Vars> of_group(factors.size(), numbers);
    for (std::size_t g = 0; g < factors.size(); ++g)
      for (const Factor& factor : factors[g])
        of_group[g][factor.number] = of_group[g][factor.number] * hyper.value(factor.name, phi);
    return optim::step_by_group(optimizer, group, of_group, weights, gradient, buffers, t + 1);
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
    return close({start, model.stats, average.none() ? Vars() : start, optimizer.init(start)},
                 Tensor::zeros({}, dtype()));
  }

  datasets::Batch images_of_step(std::int64_t t) const {
    const std::vector<std::int64_t> indices = train_order(t);
    datasets::Batch batch = data.train.batch(indices, dtype());
    if (!augment.empty()) batch.x = augment(batch.x, indices, t, t / train_order.steps_per_epoch());
    return batch;
  }

  // Pixels p become (1 + b u) p, one u for each place of the batch: normalised, x + b u (x + mean / stddev).
  Var brightened(const Var& x, const Var& b, std::int64_t t) const {
    Tensor dark({data.train.channels}, DType::f64);  // (C,), minus what a black pixel is
    for (std::size_t c = 0; c < data.train.mean.size(); ++c)
      dark.data<double>()[c] = data.train.mean[c] / data.train.stddev[c];
    const Tensor u = uniform(split(brightness_key, static_cast<std::uint64_t>(t)), {x.dim(0), 1, 1, 1}, -1, 1, dtype());
    return axpy(b, u * add_bias(x, dark.to(dtype())), x);
  }

  // The batch of step t; with Gaussian noise of a standard deviation that can be tuned: x + sigma n.
  std::pair<Var, datasets::Batch> training_batch(const Vars& phi, std::int64_t t) const {
    const datasets::Batch batch = augment.empty() ? images_of_step(t) : augmented(t);
    Var x = batch.x;
    if (hyper.used("brightness")) x = brightened(x, hyper.value("brightness", phi), t);
    if (!hyper.used("noise_std")) return {x, batch};
    const Tensor noise = normal(split(noise_key, static_cast<std::uint64_t>(t)), batch.x.shape(), 0, 1, dtype());
    return {axpy(hyper.value("noise_std", phi), noise, x), batch};
  }

  // What is measured on validation and test parts.
  Var plain_loss(const Var& outputs, const datasets::Batch& batch) const {
    return data.train.regression() ? nn::mse(outputs, batch.target) : nn::cross_entropy(outputs, batch.y);
  }

  Var weighted_cross_entropy(const Var& logits, const Tensor& labels, const Vars& phi) const {
    nn::CrossEntropyOptions options;
    if (hyper.used("label_smoothing")) options.label_smoothing = hyper.value("label_smoothing", phi);
    if (hyper.used("class_weights")) {
      const Var weights = hyper.value("class_weights", phi);
      options.class_weights = weights / mean(weights);
    }
    if (!hyper.used("meta_weight_net")) return nn::cross_entropy(logits, labels, options);
    return nn::meta_weighted_mean(nn::MetaWeightNet(hyper.value("meta_weight_net", phi)),
                                  nn::cross_entropies(logits, labels, options));
  }

  // The loss that step t lowers, and the running statistics after it.
  std::pair<Var, Vars> training_loss(const Vars& weights, const Vars& stats_before, const Vars& phi,
                                     std::int64_t t) const {
    const auto [x, batch] = training_batch(phi, t);
    nn::Pass pass{.training = true, .key = split(dropout_key, static_cast<std::uint64_t>(t)), .stats = stats_before};
    const Var outputs = model.forward(weights, x, pass);
    Var loss = data.train.regression() ? plain_loss(outputs, batch) : weighted_cross_entropy(outputs, batch.y, phi);
    for (const Penalty& penalty : penalties) {
      Var total;
      for (const std::size_t i : penalty.members) total = plus(total, penalty.of(weights[i]));
      loss = loss + hyper.value(penalty.name, phi) * total;
    }
    return {loss, pass.updated};
  }

  Var loss(const Vars& s, const Vars& phi, std::int64_t t) const {
    const State state = open(s);
    return training_loss(state.parameters, state.stats, phi, t).first;
  }

  Vars step(const Vars& s, const Vars& phi, std::int64_t t) const {
    State state = open(s);
    const auto objective = [&](const Vars& weights) { return training_loss(weights, state.stats, phi, t); };
    auto [value_and_stats, gradient] = value_and_grad(objective)(state.parameters);
    if (hyper.used("clip_norm")) gradient = optim::clip_by_global_norm(gradient, hyper.value("clip_norm", phi)).grads;
    optim::Step next = update(phi, state.parameters, gradient, state.buffers, t);
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
    if (average.none()) return {std::move(state.parameters), std::move(state.stats)};
    if (stats == 0) return {std::move(state.averages), {}};
    Network net{std::move(state.averages), model.stats};
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
    const Network net = network(s);
    nn::Pass pass{.training = false, .stats = net.stats};
    return plain_loss(model.forward(net.parameters, batch.x, pass), batch);
  }
};

std::string ExperimentConfig::where(const std::string& key) const {
  const auto found = given.find(key);
  return found == given.end() ? flag_of(key) : found->second;
}

datasets::Options data_options(const ExperimentConfig& c) {
  datasets::Options options;
  options.data_dir = c.data_dir;
  options.coarse_labels = c.labels == "coarse";
  options.own = {datasets::layouts().at(c.layout).layout, c.loss == "mse"};
  return options;
}

std::int64_t training_images(const ExperimentConfig& config) {
  return load_data(config, key(config.seed)).train.size();
}

Experiment::Experiment(const ExperimentConfig& config) {
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
  const auto parts = std::make_shared<const Parts>(config, key(config.seed));
  parts_ = parts;
  problem_.init = [parts](const Vars& phi) { return parts->init(phi); };
  problem_.step = [parts](const Vars& s, const Vars& phi, std::int64_t t) { return parts->step(s, phi, t); };
  problem_.outer = [parts](const Vars& s, const Vars&, std::int64_t block) { return parts->outer(s, block); };
  problem_.loss = [parts](const Vars& s, const Vars& phi, std::int64_t t) { return parts->loss(s, phi, t); };
  for (std::size_t i = 0; i < parts->hyper.space().size(); ++i) problem_.names.push_back(parts->hyper.space()[i].name);
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
    const auto outputs_of = [&](const Tensor& x) {
      nn::Pass pass{.training = false, .stats = net.stats};
      return parts_->model.forward(net.parameters, x, pass);
    };
    Var outputs = outputs_of(batch.x);
    if (parts_->config.test_views == 2) outputs = (outputs + outputs_of(datasets::mirrored(batch.x))) / 2;
    const auto count = static_cast<double>(batch.x.dim(0));
    score.loss += parts_->plain_loss(outputs, batch).item() * count;
    score.accuracy +=
        images.regression() ? std::numeric_limits<double>::quiet_NaN() : nn::accuracy(outputs.value(), batch.y) * count;
  }
  score.loss /= static_cast<double>(images.size());
  score.accuracy /= static_cast<double>(images.size());
  return score;
}

Experiment::Network Experiment::network(const Vars& s) const { return parts_->network(s); }

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

#include <glocal/app/experiment.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include <glocal/autodiff/ops.h>
#include <glocal/datasets/sampling.h>
#include <glocal/datasets/variants.h>
#include <glocal/nn/loss.h>
#include <glocal/optim/clip.h>

namespace glocal::app {

using datasets::Part;

namespace {

// Streams of randomness of one run, children of the seed's key.
enum Stream : std::uint64_t { data_split, training_order, validation_order, initial_weights, dropout, data_variants };

struct Hyper {
  std::string name;
  optim::HyperInfo::Range range;
  double value;
  int tuned = -1;  // place in the space, or -1
};

// A tuned number must start inside its open range; these stand in for a usual value of zero.
double tuned_start(const std::string& name, optim::HyperInfo::Range range) {
  if (name == "clip_norm") return 1;
  return range == optim::HyperInfo::Range::unit_interval ? 0.05 : 1e-4;
}

hpo::Transform transform_of(optim::HyperInfo::Range range) {
  return range == optim::HyperInfo::Range::unit_interval ? hpo::Transform::logit : hpo::Transform::log;
}

datasets::Parts load_data(const ExperimentConfig& c, Key root) {
  datasets::Options options;
  options.data_dir = c.data_dir;
  const std::int64_t official = datasets::load(c.dataset, Part::train, options).size();
  const std::int64_t validation = c.validation > 0 ? c.validation : official / 6;
  datasets::Parts parts = datasets::load_parts(c.dataset, validation, split(root, data_split), options);
  if (c.train_limit < 0 || c.train_limit > parts.train.size())
    fail<ValueError>("[experiment] train limit {} is outside 0..{}", c.train_limit, parts.train.size());
  if (c.train_limit > 0) {
    std::vector<std::int64_t> first(static_cast<std::size_t>(c.train_limit));
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<std::int64_t>(i);
    parts.train = parts.train.subset(first);
  }
  const Key variants = split(root, data_variants);
  if (c.imbalance != 1) parts.train = datasets::long_tailed(parts.train, c.imbalance, split(variants, 0));
  if (c.noise != 0) parts.train = datasets::noisy_labels(parts.train, c.noise, split(variants, 1)).data;
  return parts;
}

}  // namespace

struct Experiment::Parts {
  ExperimentConfig config;
  datasets::Parts data;
  nn::Model model;
  optim::Optimizer optimizer;
  optim::Schedule schedule;
  std::vector<Hyper> hyper;              // the optimiser's (lr replaced by the schedule's), then the loss's
  std::map<std::string, double> values;  // all of them by name
  hpo::Space space;
  datasets::BatchOrder train_order, validation_order;
  Key dropout_key;
  std::size_t parameters = 0, stats = 0;

  Parts(const ExperimentConfig& c, Key root)
      : config(c),
        data(load_data(c, root)),
        model(nn::make_model(c.model, split(root, initial_weights),
                             {data.train.channels, data.train.height, data.train.width},
                             static_cast<int>(data.train.classes), c.model_options)),
        optimizer(optim::make_optimizer(c.optimizer)),
        train_order(data.train.size(), c.batch, split(root, training_order)),
        validation_order(data.validation.size(), std::min(c.val_batch, data.validation.size()),
                         split(root, Stream::validation_order)),
        dropout_key(split(root, dropout)),
        parameters(model.parameters.size()),
        stats(model.stats.size()) {
    collect_hyper();
  }

  DType dtype() const { return config.model_options.dtype; }

  void collect_hyper() {
    using Range = optim::HyperInfo::Range;
    const auto given = [&](const std::string& name, double usual) {
      const auto found = config.hyper.find(name);
      return found == config.hyper.end() ? usual : found->second;
    };
    for (const optim::HyperInfo& info : optimizer.hyper) {
      if (info.name == "lr") {
        optim::ScheduleOptions options;
        options.T = config.steps;
        options.every = config.schedule_every > 0 ? config.schedule_every : std::max<std::int64_t>(1, config.steps / 3);
        options.knots = config.knots;
        options.warm_up = config.warm_up;
        schedule = optim::make_schedule(config.schedule, "lr", given("lr", info.initial), options);
        for (const optim::HyperInfo& value : schedule.hyper)
          hyper.push_back({value.name, value.range, given(value.name, value.initial)});
      } else {
        hyper.push_back({info.name, info.range, given(info.name, info.initial)});
      }
    }
    hyper.push_back({"label_smoothing", Range::unit_interval, given("label_smoothing", 0)});
    hyper.push_back({"clip_norm", Range::non_negative, given("clip_norm", 0)});
    hyper.push_back({"init_scale", Range::positive, given("init_scale", 1)});

    std::string known;
    for (const Hyper& h : hyper) known += (known.empty() ? "" : ", ") + h.name;
    const auto place = [&](const std::string& name) {
      const auto found = std::find_if(hyper.begin(), hyper.end(), [&](const Hyper& h) { return h.name == name; });
      if (found == hyper.end())
        fail<ValueError>("[experiment] {} with schedule {} has no hyperparameter {}; there are: {}", optimizer.name,
                         schedule.name, name, known);
      return found;
    };
    for (const auto& [name, value] : config.hyper)
      if (name != "lr") place(name);  // "lr" is the start of every schedule
    for (const std::string& name : config.tune) {
      // `--tune lr` with a schedule tunes all of the schedule's values.
      for (Hyper& h : hyper) {
        const bool of_schedule = name == "lr" && h.name.rfind("lr", 0) == 0;
        if (h.name != name && !of_schedule) continue;
        if (h.value == 0 && !config.hyper.contains(h.name) && h.range != Range::positive)
          h.value = tuned_start(h.name, h.range);
        h.tuned = static_cast<int>(space.size());
        space.add({h.name, {h.value}, transform_of(h.range)});
      }
      if (name != "lr") place(name);
    }
    for (const Hyper& h : hyper) {
      const bool fits = h.range == Range::positive       ? h.value > 0
                        : h.range == Range::non_negative ? h.value >= 0
                                                         : h.value >= 0 && h.value < 1;
      if (!std::isfinite(h.value) || !fits)
        fail<ValueError>("[experiment] {} = {} is out of range; use {}", h.name, h.value,
                         h.range == Range::positive       ? "a number > 0"
                         : h.range == Range::non_negative ? "a number >= 0"
                                                          : "a number in [0, 1)");
      values[h.name] = h.value;
    }
  }

  Var value(const Hyper& h, const Vars& phi) const {
    return h.tuned < 0 ? Var(Tensor::scalar(h.value, dtype()))
                       : space.value(static_cast<std::size_t>(h.tuned), phi[static_cast<std::size_t>(h.tuned)]);
  }
  const Hyper& named(const std::string& name) const {
    return *std::find_if(hyper.begin(), hyper.end(), [&](const Hyper& h) { return h.name == name; });
  }
  bool used(const std::string& name) const { return named(name).tuned >= 0 || named(name).value != 0; }

  // What the optimiser takes at step t: its own numbers, with the schedule's learning rate.
  Vars optimizer_hyper(const Vars& phi, std::int64_t t) const {
    Vars scheduled, all;
    for (std::size_t i = 0; i < schedule.hyper.size(); ++i)
      scheduled.push_back(value(named(schedule.hyper[i].name), phi));
    for (const optim::HyperInfo& info : optimizer.hyper)
      all.push_back(info.name == "lr" ? schedule.at(scheduled, t) : value(named(info.name), phi));
    return all;
  }

  struct State {
    Vars parameters, stats, buffers;
  };
  State open(const Vars& s) const {
    const auto at = [&](std::size_t i) { return s.begin() + static_cast<std::ptrdiff_t>(i); };
    return {{at(0), at(parameters)}, {at(parameters), at(parameters + stats)}, {at(parameters + stats), s.end() - 1}};
  }
  static Vars close(Vars parameters, const Vars& stats, const Vars& buffers, Var loss) {
    parameters.insert(parameters.end(), stats.begin(), stats.end());
    parameters.insert(parameters.end(), buffers.begin(), buffers.end());
    parameters.push_back(std::move(loss));
    return parameters;
  }

  Vars init(const Vars& phi) const {
    Vars start = model.parameters;
    if (used("init_scale") && (named("init_scale").tuned >= 0 || named("init_scale").value != 1))
      for (Var& parameter : start) parameter = scale_by(parameter, value(named("init_scale"), phi));
    return close(start, model.stats, optimizer.init(start), Tensor::zeros({}, dtype()));
  }

  // The loss that step t lowers, and the running statistics after it.
  std::pair<Var, Vars> training_loss(const Vars& weights, const Vars& stats_before, const Vars& phi,
                                     std::int64_t t) const {
    const datasets::Batch batch = data.train.batch(train_order(t), dtype());
    nn::CrossEntropyOptions options;
    if (used("label_smoothing")) options.label_smoothing = value(named("label_smoothing"), phi);
    nn::Pass pass{.training = true, .key = split(dropout_key, static_cast<std::uint64_t>(t)), .stats = stats_before};
    const Var logits = model.forward(weights, batch.x, pass);
    return {nn::cross_entropy(logits, batch.y, options), pass.updated};
  }

  Var loss(const Vars& s, const Vars& phi, std::int64_t t) const {
    const State state = open(s);
    return training_loss(state.parameters, state.stats, phi, t).first;
  }

  Vars step(const Vars& s, const Vars& phi, std::int64_t t) const {
    const State state = open(s);
    const auto objective = [&](const Vars& weights) { return training_loss(weights, state.stats, phi, t); };
    auto [value_and_stats, gradient] = value_and_grad(objective)(state.parameters);
    if (used("clip_norm")) gradient = optim::clip_by_global_norm(gradient, value(named("clip_norm"), phi)).grads;
    optim::Step next = optimizer.step(optimizer_hyper(phi, t), state.parameters, gradient, state.buffers, t + 1);
    return close(std::move(next.params), value_and_stats.second, next.state, value_and_stats.first);
  }

  Var outer(const Vars& s, std::int64_t block) const {
    const datasets::Batch batch = data.validation.batch(validation_order(block), dtype());
    const State state = open(s);
    nn::Pass pass{.training = false, .stats = state.stats};
    return nn::cross_entropy(model.forward(state.parameters, batch.x, pass), batch.y);
  }
};

Experiment::Experiment(const ExperimentConfig& config) {
  constexpr std::int64_t most_steps = 1'000'000'000'000;
  if (config.steps < 1 || config.steps > most_steps)
    fail<ValueError>("[experiment] steps = {} is outside 1..{}", config.steps, most_steps);
  if (config.validation < 0 || config.schedule_every < 0)
    fail<ValueError>("[experiment] {} = {} must not be negative; 0 chooses it",
                     config.validation < 0 ? "val size" : "schedule every",
                     std::min(config.validation, config.schedule_every));
  if (config.val_batch < 1) fail<ValueError>("[experiment] val batch = {} must be at least 1", config.val_batch);
  const auto parts = std::make_shared<const Parts>(config, key(config.seed));
  parts_ = parts;
  problem_.init = [parts](const Vars& phi) { return parts->init(phi); };
  problem_.step = [parts](const Vars& s, const Vars& phi, std::int64_t t) { return parts->step(s, phi, t); };
  problem_.outer = [parts](const Vars& s, const Vars&, std::int64_t block) { return parts->outer(s, block); };
  problem_.loss = [parts](const Vars& s, const Vars& phi, std::int64_t t) { return parts->loss(s, phi, t); };
  for (std::size_t i = 0; i < parts->space.size(); ++i) problem_.names.push_back(parts->space[i].name);
}

const hpo::Space& Experiment::space() const { return parts_->space; }
Vars Experiment::phi() const { return parts_->space.initial(dtype()); }
const nn::Model& Experiment::model() const { return parts_->model; }
const std::map<std::string, double>& Experiment::hyper() const { return parts_->values; }
std::string Experiment::title() const { return parts_->data.train.title; }
DType Experiment::dtype() const { return parts_->dtype(); }

const datasets::Dataset& Experiment::data(Part part) const {
  return part == Part::train        ? parts_->data.train
         : part == Part::validation ? parts_->data.validation
                                    : parts_->data.test;
}

Score Experiment::evaluate(const Vars& s, Part part) const {
  const datasets::Dataset& images = data(part);
  const Parts::State state = parts_->open(s);
  constexpr std::int64_t chunk = 500;
  Score score;
  for (std::int64_t begin = 0; begin < images.size(); begin += chunk) {
    const datasets::Batch batch = images.range(begin, std::min(begin + chunk, images.size()), dtype());
    nn::Pass pass{.training = false, .stats = state.stats};
    const Var logits = parts_->model.forward(state.parameters, batch.x, pass);
    const auto count = static_cast<double>(batch.y.size());
    score.loss += nn::cross_entropy(logits, batch.y).item() * count;
    score.accuracy += nn::accuracy(logits.value(), batch.y) * count;
  }
  score.loss /= static_cast<double>(images.size());
  score.accuracy /= static_cast<double>(images.size());
  return score;
}

std::string Experiment::first_non_finite(const Vars& s) const {
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (is_finite(s[i].value())) continue;
    if (i < parts_->parameters) return parts_->model.names[i];
    if (i + 1 == s.size()) return "training loss";
    return i < parts_->parameters + parts_->stats
               ? fmt::format("running statistics {}", i - parts_->parameters)
               : fmt::format("optimiser buffer {}", i - parts_->parameters - parts_->stats);
  }
  return "";
}

}  // namespace glocal::app

#include <glocal/app/setup/prepare.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/rehearsal.h>
#include <glocal/app/setup/search.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/app/terminal/say.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/isa.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/memory.h>
#include <glocal/core/parallel.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/core/version.h>
#include <glocal/datasets/dataset.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/predict.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/rehearsal/rehearsal.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/train/data.h>
#include <glocal/train/experiment.h>
#include <glocal/train/refusal.h>

namespace glocal::app {
namespace {

// JSON holds no other text, and config.json is to be read back to the same bytes.
void check_texts(const Options& options) {
  const Json settings = to_json(options);
  for (const auto& [key, value] : settings.items()) {
    try {
      value.dump();
    } catch (const Json::type_error&) {
      fail<ValueError>("[options] {} = {} is not UTF-8; config.json could not hold it", key,
                       value.is_string() ? value.get<std::string>() : json_dump(value));
    }
  }
}

// A dry run on a smooth series of the block's length finds every option of the forecast that is out of range.
void check_forecast(const hpo::EstimatorOptions& options) {
  std::vector<double> series;
  for (std::int64_t t = 0; t < options.tau; ++t) series.push_back(std::pow(0.9, t));
  hpo::glocal_forecast(Tensor::from(series, {options.tau, 1}), Tensor::from(series, {options.tau}), 0, 2 * options.tau,
                       options);
}

void check_block(const hpo::Estimator& estimator, std::int64_t tau, std::int64_t steps) {
  if (!estimator.from_start() && tau >= steps)
    fail<ValueError>("[{}] a block of {} steps leaves no outer update in {} steps; give a smaller --block",
                     estimator.name(), tau, steps);
}

void check_estimator(const Options& options, const std::string& name) {
  if (hpo::is_search(name)) return check_search(options, name);
  const hpo::EstimatorOptions& estimator = options.tuning.estimator_options;
  const auto made = hpo::make_estimator(name, estimator);
  if (options.experiment.tune.empty()) fail<ValueError>("[{}] nothing to tune; give --tune lr", name);
  for (const std::string& tuned : options.experiment.tune)
    if (tuned == "init_scale" && !made->depends_on_init())
      fail<ValueError>(
          "[{}] init_scale acts through the initial state alone, which {} does not see; use global, "
          "local-restart or local-online",
          name, name);
  if (options.epochs == 0) check_block(*made, estimator.tau, options.experiment.steps);
  if (name == "glocal") check_forecast(estimator);
}

// A model or a batch above the limit is found before it is there.
template <class F>
auto below(std::int64_t limit, F&& work) {
  try {
    const MemoryCeiling ceiling(limit);
    return work();
  } catch (const MemoryError&) {
    fail<MemoryError>(
        "[cost] one training step alone needs more than the limit of {}; no estimator fits: use a smaller batch or "
        "model, or raise --mem-limit",
        size_text(limit));
  }
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown";
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[sizeof "2000-01-01T00:00:00Z"];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

void check(const Options& options, const std::vector<std::string>& estimators) {
  check_texts(options);
  if (options.threads > 0) set_threads(options.threads);
  memory_limit(options);
  const train::ExperimentConfig& config = options.experiment;
  if (const auto more = static_cast<std::uint64_t>(options.seeds - 1); config.seed + more < config.seed)
    fail<ValueError>("[options] {}: {} seeds from {} on are more than there are", config.where("seeds"), options.seeds,
                     config.seed);
  const hpo::EstimatorOptions& tuning = options.tuning.estimator_options;
  const bool truncated = std::find(estimators.begin(), estimators.end(), "truncated") != estimators.end();
  if (truncated && config.given.contains("steps_back") && tuning.K > tuning.tau)
    train::refuse_value(
        config.where("steps_back"), fmt::format("{}", tuning.K),
        fmt::format("whole number from 1 to {}, the steps of a block ({})", tuning.tau, config.where("block")));
  for (const std::string& estimator : estimators)
    if (!is_plain(estimator)) check_estimator(options, estimator);
  if (options.command == Command::compare && options.find_lr != "none" && std::ranges::any_of(estimators, rehearses))
    fail<ValueError>(
        "[options] {}: every run takes the rate that is found, so that a rehearsal is no row of its own; "
        "give --lr a number, or leave it out of {}",
        config.where("find_lr"), config.where("estimators"));
}

train::Experiment build(Options& options, std::uint64_t seed, const train::Experiment* like) {
  train::ExperimentConfig config = options.experiment;
  config.seed = options.tuning.estimator_options.seed = seed;
  if (options.epochs > 0) {
    const std::int64_t steps =
        below(memory_limit(options), [&] { return train::training_images(config); }) / config.batch;
    constexpr std::int64_t most_steps = 1'000'000'000'000;
    if (options.epochs > most_steps / steps)
      train::refuse_value("--epochs", fmt::format("{}", options.epochs),
                          fmt::format("whole number from 1 to {}: an epoch has {} steps", most_steps / steps, steps));
    options.experiment.steps = config.steps = options.epochs * steps;
  }
  options.tuning.T = config.steps;
  if (!options.unroll_memory.empty())
    options.tuning.estimator_options.unroll_bytes = parse_bytes(options.unroll_memory);
  return below(memory_limit(options),
               [&] { return like ? train::Experiment(config, *like) : train::Experiment(config); });
}

Options resolved(Options options, const train::Experiment& experiment) {
  train::ExperimentConfig& config = options.experiment;
  config.validation = experiment.data(datasets::Part::validation).size();
  config.val_batch = std::min(config.val_batch, config.validation);
  hpo::EstimatorOptions& estimator = options.tuning.estimator_options;
  estimator.K = std::min(estimator.K, estimator.tau);
  config.hyper = experiment.hyper();
  if (config.schedule_every == 0) config.schedule_every = std::max<std::int64_t>(1, config.steps / 3);
  options.threads = threads();
  options.mem_limit = fmt::format("{}", memory_limit(options));
  return options;
}

Json config_of(const train::Experiment& experiment, const Options& options, const std::string& estimator) {
  Json config = to_json(resolved(options, experiment));
  config["estimator"] = estimator;
  return config;
}

Json without_machine(Json config) {
  for (const char* key : {"threads", "mem_limit", "data_dir", "save_every"}) config.erase(key);
  return config;
}

std::vector<hpo::Cost> predict(const train::Experiment& experiment, const Options& options,
                               const std::vector<std::string>& estimators) {
  const hpo::TuneOptions& tuning = options.tuning;
  for (const std::string& estimator : estimators)  // only now is it known how many steps the epochs are
    if (hpo::is_search(estimator))
      replays_of(experiment, options, estimator);
    else if (!is_plain(estimator))
      check_block(*hpo::make_estimator(estimator, tuning.estimator_options), tuning.estimator_options.tau, tuning.T);
  const std::int64_t limit = memory_limit(options), validation = experiment.data(datasets::Part::validation).size();
  if (const train::ExperimentConfig& config = options.experiment;
      !options.quiet && config.given.contains("val_batch") && config.val_batch > validation)
    say("{}: {} is more than the {} validation images; each batch has all of them\n", config.where("val_batch"),
        config.val_batch, validation);
  if (!options.quiet)
    for (const std::string& note : experiment.data(datasets::Part::train).notes)
      say("{}: {}\n", experiment.title(), note);
  const Vars phi = experiment.phi();
  below(limit, [&] { return experiment.problem().step(experiment.problem().init(phi), phi, 0); });
  for (const std::string& estimator : estimators)
    if (!is_plain(estimator) && !hpo::is_search(estimator))
      hpo::make_estimator(estimator, tuning.estimator_options)->check(experiment.problem(), phi);
  // The measurement itself may take more than the run that is asked for, but not more than the machine has.
  const bool no_derivatives =
      std::ranges::all_of(estimators, is_plain) && std::ranges::none_of(estimators, is_gradient_rehearsal);
  const auto measure = no_derivatives ? hpo::probe_training : hpo::probe;
  const hpo::Probe probe = below(std::max(limit, memory_limit({})), [&] { return measure(experiment.problem(), phi); });
  std::vector<hpo::Cost> costs;
  for (const std::string& estimator : estimators) {
    const bool plain = is_plain(estimator) || hpo::is_search(estimator);
    const bool finds_lr = is_rehearsal(estimator) || (options.find_lr != "none" && options.command != Command::compare);
    const double rehearsals =
        (finds_lr                           ? hpo::RehearsalOptions{}.ceiling
         : is_gradient_rehearsal(estimator) ? most_of(gradient_rehearsal_options(experiment, options.experiment))
                                            : 0) *
        static_cast<double>(tuning.T);
    costs.push_back(plain ? hpo::predict_training(probe, gradient_evaluations(experiment, options, estimator) +
                                                             static_cast<std::int64_t>(rehearsals))
                          : hpo::predict(probe, estimator, tuning.estimator_options, tuning.T, tuning.updates));
    if (hpo::is_search(estimator)) {  // a trial ends with a value of E
      costs.back().bytes = std::max(costs.back().bytes, probe.base_bytes + probe.state_bytes + probe.outer_bytes);
      costs.back().bytes += checked_mul(kept_states(experiment, options, estimator), probe.state_bytes);
    }
    if (is_gradient_rehearsal(estimator))  // the longest has a quarter of the steps
      costs.back().bytes = std::max(
          costs.back().bytes,
          hpo::predict(probe, "global", tuning.estimator_options, std::max<std::int64_t>(tuning.T / 4, 1), 1).bytes);
    if (!plain)
      hpo::refuse_above(limit, probe, estimator, tuning.estimator_options, tuning.T, tuning.updates);
    else if (costs.back().bytes > limit)
      fail<MemoryError>(
          "[cost] training needs about {}, the limit is {}; use a smaller batch or model, or raise "
          "--mem-limit",
          size_text(costs.back().bytes), size_text(limit));
    if (!options.quiet)
      say("{}: about {} and {} of tensors expected\n", estimator, duration(costs.back().seconds),
          size_text(costs.back().bytes));
  }
  return costs;
}

Json machine() {
  const BuildInfo& build = build_info();
  return {{"version", build.version}, {"compiler", build.compiler}, {"build_type", build.build_type},
          {"flags", build.flags},     {"blas", blas::library()},    {"instruction_set", to_string(isa())},
          {"threads", threads()},     {"cpu", cpu_name()}};
}

Json describe(const train::Experiment& experiment, const hpo::Cost& predicted) {
  const datasets::Dataset& train = experiment.data(datasets::Part::train);
  Json json = machine();
  json.update({{"date", now_utc()},
               {"dataset_title", experiment.title()},
               {"synthetic", train.synthetic},
               {"train_images", train.size()},
               {"validation_images", experiment.data(datasets::Part::validation).size()},
               {"test_images", experiment.data(datasets::Part::test).size()},
               {"parameters", experiment.model().parameter_count()},
               {"predicted_seconds", predicted.seconds},
               {"predicted_bytes", predicted.bytes}});
  if (!train.notes.empty()) json["data_notes"] = train.notes;
  if (train.regression()) json["target"] = {{"mean", train.target_mean}, {"deviation", train.target_stddev}};
  return json;
}

}  // namespace glocal::app

#include <glocal/app/record/recorder.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/run_folder.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/memory.h>
#include <glocal/core/stopwatch.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/dataset.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/forecast/scaling.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

using datasets::Part;

namespace {

constexpr std::int64_t most_rows = 200, forecast_points = 40;

// Rows every, 2 every, ... of h after each step of the block, at most about most_rows of them.
void add_trajectory(Json& line, NumberWriter& numbers, const Tensor& h, std::int64_t begin) {
  const std::int64_t tau = h.dim(0), q = h.dim(1), every = (tau + most_rows - 1) / most_rows;
  std::vector<std::vector<double>> rows;
  for (std::int64_t t = every; t <= tau; t += every) {
    std::vector<double> row;
    for (std::int64_t k = 0; k < q; ++k) row.push_back(h.at((t - 1) * q + k));
    rows.push_back(row);
  }
  line["begin"] = begin;
  line["every"] = every;
  line["trajectory"] = numbers.rows("trajectory", rows);
}

void add_fit(Json& line, NumberWriter& numbers, const hpo::Forecast& forecast, std::int64_t begin, std::int64_t end,
             std::int64_t T) {
  line["fell_back"] = forecast.fell_back;
  line["skill"] = forecast.skill;
  line["error_bar"] = numbers.list("error_bar", forecast.error_bar);
  if (!forecast.note.empty()) line["note"] = forecast.note;
  if (!forecast.test.empty()) line["test"] = forecast.test;
  line["ended"] = forecast.ended;
  if (const auto law = hpo::law_of(forecast)) {
    line["exponent"] = law->p;
    line["residual"] = law->residual;
  }
  if (const auto fit = hpo::dmd_of(forecast)) {
    line["rank"] = fit->rank;
    line["delays"] = fit->delays_used;
    line["residual"] = fit->residual;
    line["eigenvalues"] = Json::array();
    for (const auto& lambda : fit->eigenvalues) line["eigenvalues"].push_back({lambda.real(), lambda.imag()});
    line["singular_values"] = fit->singular_values;
  }
  // Snapshot i of the block is h after step begin + i + 1 of training.
  std::vector<std::int64_t> steps;
  std::vector<std::vector<double>> rows;
  for (std::int64_t i = 0; i <= forecast_points; ++i) {
    const std::int64_t t = end + (T - end) * i / forecast_points;
    if (!steps.empty() && t == steps.back()) continue;
    steps.push_back(t);
    rows.push_back(forecast.model->at(static_cast<double>(t - begin - 1)));
  }
  const Json points = numbers.rows("forecast", rows);
  if (points.is_object()) {
    line["forecast"] = {{"steps", steps}, {"numbers", points}};
    return;
  }
  line["forecast"] = Json::array();
  for (std::size_t i = 0; i < steps.size(); ++i) line["forecast"].push_back({steps[i], points[i]});
}

}  // namespace

Recorder::Pause::Pause(Recorder& recorder) : recorder_(recorder) {
  recorder.peak_bytes_ = std::max(recorder.peak_bytes_, memory_use().peak_bytes);
}

Recorder::Pause::~Pause() {
  const double seconds = clock_.seconds();
  recorder_.paused_ += seconds;
  recorder_.paused_in_block_ += seconds;
  reset_peak_memory();
}

Recorder::Recorder(const train::Experiment& experiment, const Options& options, std::string estimator,
                   const RunFolder& folder, JsonLines metrics, JsonLines hparams, JsonLines timing)
    : experiment_(experiment),
      estimator_(std::move(estimator)),
      folder_(folder.path()),
      extents_(experiment.space().extents()),
      divergence_(experiment, estimator_),
      rules_(rules_of(experiment, options, estimator_)),
      T_(options.tuning.T),
      block_(options.tuning.estimator_options.tau),
      metrics_(std::move(metrics)),
      hparams_(std::move(hparams)),
      timing_(std::move(timing)),
      progress_(estimator_, rules_.replays.steps_with(T_), ProgressLine::style(options.quiet)),
      progress_file_(folder.path()) {
  use(experiment.phi(), 0);
}

Recorder::Recorder(const train::Experiment& experiment, const Options& options, std::string estimator,
                   const RunFolder& folder)
    : Recorder(experiment, options, std::move(estimator), folder, folder.lines("metrics.jsonl"),
               folder.lines("hparams.jsonl"), folder.lines("timing.jsonl")) {
  const Vars phi = experiment.phi();
  NumberWriter numbers(extents_, 0);
  const Json line{{"update", -1},
                  {"step", 0},
                  {"estimator", estimator_},
                  {"values", numbers.by_name("values", values_)},
                  {"u", numbers.by_name("u", values_of(extents_, hpo::to_components(phi, phi)))}};
  numbers.write(folder_);
  hparams_.append(line);
}

Recorder::Recorder(const train::Experiment& experiment, const Options& options, std::string estimator,
                   const RunFolder& folder, const Seen& seen, const Used& used, const std::vector<double>& in_use,
                   std::int64_t record)
    : Recorder(experiment, options, std::move(estimator), folder, folder.lines("metrics.jsonl", seen.metrics_bytes),
               folder.lines("hparams.jsonl", seen.hparams_bytes), folder.lines("timing.jsonl", seen.timing_bytes)) {
  folder.remove_numbers(seen.updates + 1);
  seen_ = seen;
  seen_.pending = false;
  peak_bytes_ = used.peak_bytes;
  paused_ = -used.seconds;
  paused_in_block_ = -used.block_seconds;
  set_values(in_use, record);
  before_ = steps_done(seen.steps);
  step_ = seen.steps;
  progress_.begin_at(before_);
}

std::int64_t Recorder::steps_done(std::int64_t step) const {
  const std::int64_t run = std::min(seen_.updates, rules_.replays.runs);
  return rules_.replays.steps_before(run) + std::max<std::int64_t>(0, step - rules_.replays.begin_of(run));
}

Seen Recorder::seen() const {
  Seen now = seen_;
  now.metrics_bytes = metrics_.length();
  now.hparams_bytes = hparams_.length();
  now.timing_bytes = timing_.length();
  return now;
}

Used Recorder::used() const {
  // Sums of differences: their rounding may fall below nothing.
  return {std::max(0.0, run_clock_.seconds() - paused_), std::max(0.0, block_clock_.seconds() - paused_in_block_),
          std::max(peak_bytes_, memory_use().peak_bytes)};
}

void Recorder::sync() {
  metrics_.sync();
  hparams_.sync();
  timing_.sync();
}

std::string shown(const Values& values, int digits, const char* before, const char* between) {
  std::string all;
  for (const auto& [name, value] : std::span(values).first(std::min<std::size_t>(values.size(), 12)))
    all += before + name + between + spread_text(spread_of(value.numbers), digits);
  return all;
}

std::string Recorder::note() const {
  std::string text = fmt::format("loss {:.4g}", seen_.train_loss);
  if (seen_.scored)
    text += rules_.regression ? fmt::format("  validation {:.4g}", seen_.validation.loss)
                              : fmt::format("  validation {:.1f} %", 100 * seen_.validation.accuracy);
  return text + note_;
}

Standing Recorder::standing() const {
  return {.estimator = estimator_,
          .done = steps_done(step_),
          .total = rules_.replays.steps_with(T_),
          .before = before_,
          .step = step_,
          .updates = seen_.updates,
          .seconds = run_clock_.seconds(),
          .train_loss = seen_.train_loss,
          .scored = seen_.scored,
          .validation = seen_.validation,
          .note = note()};
}

void Recorder::check(const Vars& s, double before, std::int64_t t) const {
  const auto at = [this] {
    const std::string text = shown(values_, 4, ", ", " = ");
    return text.empty() ? text : " at" + text.substr(1);
  };
  const bool whole_state = (t + 1) % block_ == 0 || t + 1 == T_, finite = std::isfinite(seen_.train_loss);
  if (finite) divergence_.check(seen_.train_loss, before, t, at);
  if (finite && !whole_state) return;
  const std::string bad = experiment_.first_non_finite(s);
  if (bad.empty()) return;
  fail<DivergedError>("[{}] step {}: {} is not finite (training loss {}){}; start from a smaller learning rate",
                      estimator_, t + 1, bad, seen_.train_loss, at());
}

void Recorder::step(const Vars& s, std::int64_t t) {
  const double before = std::exchange(seen_.train_loss, train::Experiment::training_loss(s));
  check(s, before, t);
  step_ = t + 1;
  progress_.update(steps_done(step_), note());
  if (progress_file_.due()) progress_file_.write(standing());
  if (replays()) return;
  seen_.steps = t + 1;
  if (seen_.steps % rules_.loss_every == 0) metrics_.append({{"step", seen_.steps}, {"train_loss", seen_.train_loss}});
  if (seen_.steps % rules_.score_every == 0 && seen_.steps < T_) {
    const Pause pause(*this);
    validate(s);
    metrics_.append(
        {{"step", seen_.steps}, {"val_loss", seen_.validation.loss}, {"val_accuracy", seen_.validation.accuracy}});
  }
}

void Recorder::validate(const Vars& s) {
  seen_.validation = experiment_.evaluate(s, Part::validation, throw_if_interrupted);
  seen_.scored = true;
  seen_.best = std::min(seen_.best, seen_.validation.loss);
}

void Recorder::use(const Vars& phi, std::int64_t record) { set_values(experiment_.space().values(phi), record); }

void Recorder::set_values(std::span<const double> numbers, std::int64_t record) {
  values_ = values_of(extents_, numbers);
  note_ = shown(values_, 3, "  ");
  record_ = record;
}

void Recorder::update(const hpo::OuterUpdate& update) {
  const double seconds = used().block_seconds;
  seen_.estimate_seconds += seconds;
  {
    const Pause pause(*this);
    ++seen_.updates;
    write_update(update);
    timing_.append({{"update", update.index}, {"seconds", seconds}});
  }
  block_clock_.restart();
  paused_in_block_ = 0;
}

void Recorder::write_update(const hpo::OuterUpdate& update) {
  const auto by_name = [this](const Vars& phi) { return values_of(extents_, experiment_.space().values(phi)); };
  const hpo::Estimate& estimate = update.estimate;
  NumberWriter numbers(extents_, seen_.updates);
  Json line{{"update", update.index},
            {"step", update.t},
            {"estimator", estimator_},
            {"values", numbers.by_name("values", by_name(update.next_phi))},
            {"u", numbers.by_name("u", values_of(extents_, hpo::to_components(update.next_phi, update.next_phi)))},
            {"hypergradient", numbers.list("hypergradient", estimate.h)},
            {"outer", estimate.outer}};
  if (hpo::is_search(estimator_)) line["tried"] = numbers.by_name("tried", by_name(update.phi));
  const std::int64_t begin = update.t - (estimate.trajectory ? estimate.trajectory.dim(0) : 0);
  if (estimate.trajectory) add_trajectory(line, numbers, estimate.trajectory, std::max<std::int64_t>(0, begin));
  if (estimate.forecast) add_fit(line, numbers, *estimate.forecast, begin, update.t, T_);
  if (!estimate.note.empty()) line["note"] = estimate.note;
  numbers.write(folder_);
  hparams_.append(line);
  use(update.next_phi, seen_.updates);
}

void Recorder::score(const Vars& s) {
  const Pause pause(*this);
  seen_.steps = T_;  // also where the last training diverged and another run was kept
  seen_.train_loss = train::Experiment::training_loss(s);
  validate(s);
  test = experiment_.evaluate(s, Part::test, throw_if_interrupted);
  metrics_.append({{"step", seen_.steps},
                   {"val_loss", seen_.validation.loss},
                   {"val_accuracy", seen_.validation.accuracy},
                   {"test_loss", test.loss},
                   {"test_accuracy", test.accuracy}});
}

}  // namespace glocal::app

#include <glocal/app/run/run.h>

#include <errno.h>  // program_invocation_name, glibc
#include <fmt/core.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <glocal/app/record/consistency.h>
#include <glocal/app/record/numbers.h>
#include <glocal/app/record/read_run.h>
#include <glocal/app/record/recorder.h>
#include <glocal/app/record/run_folder.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/report/report.h>
#include <glocal/app/run/find_lr.h>
#include <glocal/app/run/training.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_record.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/app/setup/search.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/app/terminal/say.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/own/forms.h>
#include <glocal/hpo/estimators/predict.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

// The parameters that are evaluated, by name.
std::map<std::string, Tensor> named_parameters(const train::Experiment& experiment, const Vars& s) {
  std::map<std::string, Tensor> parameters;
  const std::vector<std::string>& names = experiment.model().names;
  const Vars evaluated = experiment.network(s).parameters;
  for (std::size_t i = 0; i < names.size(); ++i) parameters[names[i]] = evaluated[i].value();
  return parameters;
}

// The line a person reads: what came out of the run.
std::string headline(const Outcome& outcome, const Options& options) {
  std::string line = fmt::format("{} {} {}: ", outcome.data, options.experiment.model, outcome.estimator);
  if (outcome.status != "ok") return line + fmt::format("{} at step {}", outcome.status, outcome.steps);
  if (std::isnan(outcome.test.accuracy))  // a regression
    line += fmt::format("test loss {:.4g} (R² {:.4f}), validation loss {:.4g}", outcome.test.loss,
                        1 - outcome.test.loss, outcome.validation.loss);
  else
    line += fmt::format("test accuracy {:.2f} %, test loss {:.4g}, validation accuracy {:.2f} %",
                        100 * outcome.test.accuracy, outcome.test.loss, 100 * outcome.validation.accuracy);
  line += shown(outcome.values, 4, ", ");
  if (outcome.updates > 0)
    line += fmt::format(", {} {}", outcome.updates, hpo::is_search(outcome.estimator) ? "trials" : "outer updates");
  if (const auto best = outcome.best()) line += ", " + hpo::text(*best);
  return line;
}

// What the classes of a user's own data are called; a known set's are in the library.
void write_labels(const RunFolder& folder, const train::Experiment& experiment) {
  const datasets::Dataset& data = experiment.data(datasets::Part::train);
  if (!datasets::own_name(data.name) || data.regression()) return;
  Json labels = Json::object();
  for (std::size_t c = 0; c < data.class_names.size(); ++c) labels[fmt::format("{}", c)] = data.class_names[c];
  folder.write("labels.json", labels);
}

// Of a run that goes on: what was said when it began.
hpo::Cost predicted_before(const RunFolder& folder) {
  const std::string where = (folder.path() / "meta.json").string();
  const Json meta = read_json(where);
  return {number_at(meta, {"predicted_seconds"}), integer_at(meta, "predicted_bytes", where)};
}

}  // namespace

std::string resume_command(const Options& options, const std::string& folder) {
  const bool plain =
      folder.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-./=@:,") ==
      std::string::npos;
  std::string quoted = plain ? folder : "'";
  for (const char c : plain ? "" : folder) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return fmt::format("{} {} --resume {}{}", program_invocation_name, name_of(options.command), quoted,
                     plain ? "" : "'");
}

Outcome run(const train::Experiment& experiment, const Options& options, const std::string& estimator,
            const RunFolder& folder, const hpo::Cost& predicted, const Resumption& resumption) {
  const bool has_meta = resumption.go_on && std::filesystem::exists(folder.path() / "meta.json");
  if (!resumption.go_on) folder.write("config.json", config_of(experiment, options, estimator));
  if (!resumption.go_on) folder.write("meta.json", describe(experiment, predicted));
  if (!resumption.go_on || !std::filesystem::exists(folder.path() / "labels.json")) write_labels(folder, experiment);

  Outcome outcome;
  outcome.data = experiment.title();
  outcome.command = name_of(options.command);
  outcome.estimator = estimator;
  outcome.seed = options.experiment.seed;
  outcome.predicted = has_meta ? predicted_before(folder) : predicted;
  outcome.gradient_evaluations = gradient_evaluations(experiment, options, estimator) * experiment.gradients_per_step();
  on_leaving(fmt::format("interrupted in the middle of a long step; go on from the last checkpoint with: {}",
                         resumption.command));
  const RehearsalCost rehearsals = cost_of_rehearsals(folder);
  outcome.gradient_evaluations += rehearsals.steps * experiment.gradients_per_step();
  std::unique_ptr<Training> training;
  const auto stopped = [&](const char* status, const char* error) {
    outcome.status = status;
    outcome.error = error;
    outcome.failure = std::current_exception();
  };
  const auto summarise = [&] {
    const Seen seen = training->recorder().seen();
    const Used used = training->recorder().used();
    outcome.steps = seen.steps;
    outcome.updates = seen.updates;
    outcome.clipped = training->clipped();
    outcome.judged = training->judged();
    outcome.meta_lr = training->meta_lr();
    outcome.train_loss = seen.train_loss;
    outcome.scored = seen.scored;
    outcome.validation = seen.validation;
    outcome.test = training->recorder().test;
    outcome.values = training->recorder().values();
    outcome.record = training->recorder().record();
    outcome.estimate_seconds = seen.estimate_seconds + rehearsals.seconds;
    outcome.seconds = used.seconds + rehearsals.seconds;
    outcome.peak_bytes = used.peak_bytes;
    folder.write("summary.json", to_json(outcome));
  };
  try {
    training = begin_or_go_on(experiment, options, estimator, folder, resumption.go_on);
    if (!resumption.report.empty()) training->report_to(resumption.report);
    if (resumption.go_on && !has_meta) folder.write("meta.json", describe(experiment, predicted));
    try {
      const hpo::TuneResult result = training->run();
      training->score(result.s);
      folder.write_parameters(named_parameters(experiment, result.s));
      training->save();
    } catch (const Interrupted& interrupted) {
      no_hurry();
      training->save();
      if (!training->parameters().empty())
        folder.write_parameters(named_parameters(experiment, training->parameters()));
      stopped("interrupted", "");
      const Recorder& recorder = training->recorder();
      const std::string where = recorder.replays()
                                    ? fmt::format("in run {} from the start", recorder.seen().updates + 1)
                                    : fmt::format("at step {}", recorder.seen().steps);
      outcome.error = fmt::format("interrupted {}; go on with: {}", where, resumption.command);
      outcome.failure = std::make_exception_ptr(Interrupted{interrupted.signal, outcome.error});
    } catch (const DivergedError& error) {
      stopped("diverged", error.what());
    } catch (const NumericError& error) {
      stopped("diverged", error.what());
    }
    summarise();
  } catch (const std::exception& error) {
    if (!training) throw;
    stopped("failed", error.what());
    training->drop_report();
    try {
      summarise();
    } catch (const std::exception&) {  // the disk does not even take that
    }
    throw;
  }
  return outcome;
}

Json to_json(const Outcome& outcome) {
  Json json;
  Outcome::fields(outcome, [&]<class T>(const char* key, const T& field, bool there = true) {
    if (!there) return;
    if constexpr (std::is_same_v<T, Values>)
      json[key] = NumberWriter({}, outcome.record).by_name(key, field);
    else
      json[key] = written(field);
    if (const auto best = outcome.best(); best && std::is_same_v<T, Values>)
      json["best"] = {{"update", best->update}, {"of", best->of}, {"outer", best->outer}, {"text", hpo::text(*best)}};
  });
  return json;
}

std::optional<Outcome> finished(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / "summary.json")) return {};
  const std::string where = (folder / "summary.json").string();
  const Json json = read_json(where);
  try {
    const std::string status = json.at("status");
    if (status != "ok" && status != "diverged") return {};
    check_summary(folder, read_json(folder / "config.json"), read_json(folder / "meta.json"), json);
    Outcome outcome;
    Outcome::fields(outcome, [&]<class T>(const char* key, T& field, auto... optional) {
      if (sizeof...(optional) > 0 && !json.contains(key)) return;
      if constexpr (std::is_same_v<T, Values>) {
        const std::string place = fmt::format("{}: {}", where, key);
        const std::vector<hpo::Extent> extents = extents_of(json.at(key), place);
        field = values_of(extents, NumberReader(folder).by_name(json.at(key), extents, place));
        for (const Json& value : json.at(key))
          if (value.is_object()) outcome.record = record_of(value.at("npz").get<std::string>()).value();
      } else {
        read_field(field, json, key, where);
      }
    });
    outcome.scored = json.contains("val");
    if (outcome.status == "ok") return outcome;
    outcome.failure = std::make_exception_ptr(DivergedError(outcome.error));
    return outcome;
  } catch (const nlohmann::json::exception& error) {
    fail<DataError>("[run] {} is not what a run writes: {}", where, error.what());
  }
}

void run_alone(Options options, const std::string& estimator) {
  const bool go_on = !options.resume.empty();
  check(options, {estimator});
  const train::ExperimentConfig& config = options.experiment;
  const std::string data = folder_word(config.dataset);
  const std::string name = options.command == Command::train
                               ? fmt::format("train-{}-{}-seed{}", data, config.model, config.seed)
                               : fmt::format("tune-{}-{}-{}-seed{}", data, config.model, estimator, config.seed);
  const RunFolder folder =
      go_on ? RunFolder::reopen(options.resume) : RunFolder::plan(options.out, name, options.force);
  if (go_on)
    if (const auto before = finished(folder.path())) {
      write_missing_report(folder.path());
      if (before->failure) std::rethrow_exception(before->failure);
      print_saved(fmt::format("{} has come to its end: {}\n", options.resume, headline(*before, options)),
                  options.resume);
      return;
    }
  train::Experiment experiment = build(options, config.seed);
  const bool known = go_on && std::filesystem::exists(folder.path() / "meta.json");
  const hpo::Cost predicted = known ? predicted_before(folder) : predict(experiment, options, {estimator}).front();
  const bool first = options.find_lr != "none" || rehearses(estimator);
  if (first) check_can_rehearse(experiment, options, estimator);
  if (!go_on) folder.create();
  if (first) {
    // Before it too, so that a run that is stopped in a rehearsal can go on.
    if (!go_on) folder.write("config.json", config_of(experiment, options, estimator));
    if (!go_on) folder.write("meta.json", describe(experiment, predicted));
    options = rehearsed(experiment, options, estimator, folder, resume_command(options, folder.path().string()));
    experiment = build(options, config.seed, &experiment);
    folder.write("config.json", config_of(experiment, options, estimator));
  }
  const Outcome outcome =
      run(experiment, options, estimator, folder, predicted, {go_on, resume_command(options, folder.path().string())});
  write_report(folder.path());

  if (!options.quiet)
    say("{}: took {} (expected {}), at most {} of tensors (expected {})\n", estimator, duration(outcome.seconds),
        duration(predicted.seconds), size_text(outcome.peak_bytes), size_text(predicted.bytes));
  const std::string report = (folder.path() / "report.html").string();
  if (options.json) {
    Json json = to_json(outcome);
    json["folder"] = folder.path().string();
    json["report"] = report;
    print_saved(json_dump(json) + "\n", folder.path().string());
  } else {
    print_saved(fmt::format("data    {}\nreport  {}\n{}\n", experiment.title(), report, headline(outcome, options)),
                folder.path().string());
  }
  if (outcome.failure) std::rethrow_exception(outcome.failure);
}

}  // namespace glocal::app

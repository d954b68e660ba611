#include <glocal/app/run/find_lr.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/read_run.h>
#include <glocal/app/record/run_folder.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/rehearsal.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/app/terminal/say.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/app/terminal/table.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/stopwatch.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/rehearsal/rehearse.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

constexpr const char* file = "rehearsal.json";

// What rehearsal.json holds.
struct Record {
  double start = 0;  // the rate that the first rehearsal takes
  std::vector<double> losses;
  RehearsalCost cost;
};

std::optional<Record> read(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return {};
  const std::string where = path.string();
  const Json json = read_json(where);
  const auto refuse = [&](const char* what) { fail<DataError>("[rehearsal] {}: expected {}", where, what); };
  Record record;
  if (!json.contains("start") || !json["start"].is_number()) refuse("start, a rate");
  record.start = json["start"].get<double>();
  if (!(record.start > 0) || !std::isfinite(record.start)) refuse("start > 0");
  if (!json.contains("trials") || !json["trials"].is_array()) refuse("a list of trials");
  for (const Json& trial : json["trials"]) {
    if (!trial.is_object() || !trial.contains("loss") || !(trial["loss"].is_number() || trial["loss"].is_null()))
      refuse("trials with a loss");
    if (!trial.contains("steps") || !trial["steps"].is_number_unsigned()) refuse("trials with their steps");
    record.losses.push_back(trial["loss"].is_null() ? NAN : trial["loss"].get<double>());
    record.cost.steps += trial["steps"].get<std::int64_t>();
  }
  if (!json.contains("seconds") || !json["seconds"].is_number()) refuse("seconds");
  record.cost.seconds = json["seconds"].get<double>();
  return record;
}

Json to_json(const hpo::RehearsalTrial& trial, double loss) {
  return {{"steps", trial.steps},
          {"schedule", trial.schedule},
          {"lr", trial.steps == 0 ? Json() : Json(std::exp(trial.u))},
          {"loss", loss}};
}

std::string table_of(const Json& trials) {
  std::vector<std::vector<std::string>> rows{{"steps of", "lr", "loss"}};
  for (const Json& trial : trials) {
    const auto steps = trial["steps"].get<std::int64_t>(), schedule = trial["schedule"].get<std::int64_t>();
    rows.push_back({steps == 0 ? "before training" : fmt::format("{} of {}", steps, schedule),
                    trial["lr"].is_null() ? "" : fmt::format("{:.4g}", trial["lr"].get<double>()),
                    trial["loss"].is_null() ? "diverged" : fmt::format("{:.4f}", trial["loss"].get<double>())});
  }
  return table(rows);
}

}  // namespace

void check_lr_can_be_found(const train::Experiment& experiment, const Options& options) {
  const auto lr = experiment.hyper().find("lr");
  if (lr == experiment.hyper().end() || lr->second.vector)
    fail<ValueError>("[rehearsal] schedule {} has no single lr to be found; give --schedule linear, or its values",
                     options.experiment.schedule);
  const hpo::RehearsalOptions settings = rehearsal_options(experiment, options.experiment);
  hpo::Rehearsal(std::log(lr->second.numbers[0]), settings);
  if (options.quiet) return;
  say("rehearsal: finds lr first, in short runs of at most {:.0f} steps together\n",
      settings.ceiling * static_cast<double>(settings.T));
  if (const std::int64_t memory = steps_remembered(experiment, options.experiment); memory > settings.shortest)
    say("rehearsal: note: the momentum remembers {} steps, of which a rehearsal of {} sees a part; lr may be off\n",
        memory, settings.shortest);
}

Options with_lr_found(const train::Experiment& run, Options options, const RunFolder& folder,
                      const std::string& resume_command) {
  train::ExperimentConfig config = options.experiment;
  config.tune = {"lr"};
  std::optional<Record> record = read(folder.path() / file);
  if (record) config.hyper["lr"] = record->start;
  const train::Experiment experiment(config, run);
  if (!record) record = Record{experiment.hyper().at("lr").numbers[0], {}, {}};

  const hpo::RehearsalOptions settings = rehearsal_options(experiment, config);
  const auto most = static_cast<std::int64_t>(settings.ceiling * static_cast<double>(config.steps));
  const Stopwatch clock;
  ProgressLine progress("rehearsal", std::max<std::int64_t>(1, most), ProgressLine::style(options.quiet));
  std::int64_t done = 0;
  hpo::FlatProblem problem = experiment.problem();
  problem.watch = [&](const Vars& s, std::int64_t) {
    throw_if_interrupted();
    progress.update(++done, fmt::format("loss {:.4g}", train::Experiment::training_loss(s)));
    if (!std::isfinite(train::Experiment::training_loss(s))) fail<DivergedError>("[rehearsal] the loss is not finite");
  };
  Json json{{"start", record->start}, {"trials", Json::array()}};
  const std::size_t known = record->losses.size();
  const auto report = [&](const hpo::RehearsalTrial& trial, double loss) {
    json["trials"].push_back(to_json(trial, loss));
    json["seconds"] = record->cost.seconds + clock.seconds();
    if (json["trials"].size() > known) folder.write(file, json);
  };
  hpo::Rehearsed found;
  try {
    found = hpo::rehearse(problem, experiment.phi(), settings, record->losses, report);
  } catch (const Interrupted& interrupted) {
    no_hurry();
    throw Interrupted{interrupted.signal, fmt::format("interrupted in rehearsal {}; go on with: {}",
                                                      json["trials"].size() + 1, resume_command)};
  }
  progress.finish();
  const double lr = std::exp(found.u);
  json.update({{"lr", lr},
               {"low", std::exp(found.low)},
               {"high", std::exp(found.high)},
               {"rehearsal_steps", found.steps},
               {"exponent", settings.exponent},
               {"ceiling_met", found.ceiling},
               {"plateau", found.plateau}});
  if (!json.contains("seconds")) json["seconds"] = record->cost.seconds;
  folder.write(file, json);
  if (!options.quiet) {
    say("{}", table_of(json["trials"]));
    say("rehearsal: lr {:.4g} ({:.3g} to {:.3g} are as good), from runs of {} steps under the schedule of {}, in "
        "{}{}\n",
        lr, std::exp(found.low), std::exp(found.high), found.steps, config.steps, duration(clock.seconds()),
        found.ceiling ? "; stopped at half of the run's steps" : "");
    if (found.plateau) say("rehearsal: note: no rehearsal left the loss of the start; lr is a guess\n");
  }
  options.experiment.hyper["lr"] = lr;
  return options;
}

RehearsalCost cost_of_rehearsals(const RunFolder& folder) {
  const std::optional<Record> record = read(folder.path() / file);
  return record ? record->cost : RehearsalCost{};
}

}  // namespace glocal::app

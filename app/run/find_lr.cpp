#include <glocal/app/run/find_lr.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/read_run.h>
#include <glocal/app/record/run_folder.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/app/setup/rehearsal.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/app/terminal/say.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/app/terminal/table.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/stopwatch.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/rehearsal/rehearsal_gradient.h>
#include <glocal/hpo/rehearsal/rehearse.h>
#include <glocal/hpo/space.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

constexpr const char* file = "rehearsal.json";

// What rehearsal.json holds.
struct Record {
  std::vector<double> start;  // the rate that the first rehearsal takes; or u of all that is looked for
  Json given;                 // of the latter: "hyper" of the run's config.json before it was found
  hpo::RehearsalRecord made;
  RehearsalCost cost;
};

std::optional<Record> read(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return {};
  const std::string where = path.string();
  const Json json = read_json(where);
  const auto refuse = [&](const char* what) { fail<DataError>("[rehearsal] {}: expected {}", where, what); };
  const auto numbers_at = [&](const Json& object, const char* key, const char* what) {
    std::vector<double> numbers;
    if (!object.contains(key)) refuse(what);
    const Json& list = object[key];
    if (list.is_number()) return std::vector<double>{list.get<double>()};
    if (!list.is_array()) refuse(what);
    for (const Json& each : list) {
      if (!each.is_number()) refuse(what);
      numbers.push_back(each.get<double>());
    }
    return numbers;
  };
  Record record;
  record.start = numbers_at(json, "start", "start, a rate or a list of numbers");
  if (record.start.size() == 1 && !(record.start[0] > 0) && !json.contains("gradient_trials")) refuse("start > 0");
  const auto trials = [&](const char* key, std::int64_t price, const auto& take) {
    if (!json.contains(key) || !json[key].is_array()) refuse("a list of trials");
    for (const Json& trial : json[key]) {
      if (!trial.is_object() || !trial.contains("loss") || !(trial["loss"].is_number() || trial["loss"].is_null()))
        refuse("trials with a loss");
      if (!trial.contains("steps") || !trial["steps"].is_number_unsigned()) refuse("trials with their steps");
      record.cost.steps += price * trial["steps"].get<std::int64_t>();
      take(trial, trial["loss"].is_null() ? NAN : trial["loss"].get<double>());
    }
  };
  trials("trials", 1, [&](const Json&, double loss) { record.made.before.push_back(loss); });
  if (json.contains("gradient_trials")) {
    if (!json.contains("given") || !json["given"].is_object()) refuse("given, the values before");
    record.given = json["given"];
    trials("gradient_trials", hpo::GradientRehearsal::price, [&](const Json& trial, double loss) {
      record.made.outcomes.push_back(
          {loss, std::isnan(loss) ? std::vector<double>() : numbers_at(trial, "h", "trials with their h")});
      if (!std::isnan(loss) && record.made.outcomes.back().h.size() != record.start.size())
        refuse("as many numbers of h as of start");
    });
    trials("trials_after", 1, [&](const Json&, double loss) { record.made.after.push_back(loss); });
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

Json to_json(const hpo::GradientTrial& trial, const hpo::GradientOutcome& outcome) {
  return {{"steps", trial.steps}, {"u", trial.u}, {"loss", outcome.loss}, {"h", outcome.h}};
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

namespace {

// Makes rehearsals with `make`, watched; `json` grows by what they report, and is in the folder after each that is new.
void watched(const train::Experiment& experiment, std::int64_t most, const Options& options,
             const std::string& resume_command, const std::function<std::size_t()>& made,
             const std::function<void(const hpo::FlatProblem&)>& make) {
  ProgressLine progress("rehearsal", std::max<std::int64_t>(1, most), ProgressLine::style(options.quiet));
  std::int64_t done = 0;
  hpo::FlatProblem problem = experiment.problem();
  problem.watch = [&](const Vars& s, std::int64_t) {
    throw_if_interrupted();
    progress.update(++done, fmt::format("loss {:.4g}", train::Experiment::training_loss(s)));
    if (!std::isfinite(train::Experiment::training_loss(s))) fail<DivergedError>("[rehearsal] the loss is not finite");
  };
  problem.poll = throw_if_interrupted;
  try {
    make(problem);
  } catch (const Interrupted& interrupted) {
    no_hurry();
    throw Interrupted{interrupted.signal,
                      fmt::format("interrupted in rehearsal {}; go on with: {}", made() + 1, resume_command)};
  }
  progress.finish();
}

// The settings with these values of all that is tuned.
train::ExperimentConfig with_values(train::ExperimentConfig config, const hpo::Space& space,
                                    const std::vector<double>& values) {
  for (const hpo::Extent& each : space.extents()) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(each.begin);
    const std::vector<double> numbers(begin, begin + static_cast<std::ptrdiff_t>(each.count));
    config.hyper[each.name] = each.vector ? train::HyperValue(numbers) : train::HyperValue(numbers[0]);
  }
  return config;
}

}  // namespace

Options with_lr_found(const train::Experiment& run, Options options, const RunFolder& folder,
                      const std::string& resume_command) {
  train::ExperimentConfig config = options.experiment;
  config.tune = {"lr"};
  std::optional<Record> record = read(folder.path() / file);
  if (record) config.hyper["lr"] = record->start[0];
  const train::Experiment experiment(config, run);
  if (!record) record = Record{{experiment.hyper().at("lr").numbers[0]}, {}, {}, {}};

  const hpo::RehearsalOptions settings = rehearsal_options(experiment, config);
  const auto most = static_cast<std::int64_t>(settings.ceiling * static_cast<double>(config.steps));
  const Stopwatch clock;
  Json json{{"start", record->start[0]}, {"trials", Json::array()}};
  const std::size_t known = record->made.before.size();
  const auto report = [&](const hpo::RehearsalTrial& trial, double loss) {
    json["trials"].push_back(to_json(trial, loss));
    json["seconds"] = record->cost.seconds + clock.seconds();
    if (json["trials"].size() > known) folder.write(file, json);
  };
  hpo::Rehearsed found;
  watched(
      experiment, most, options, resume_command, [&] { return json["trials"].size(); },
      [&](const hpo::FlatProblem& problem) {
        found = hpo::rehearse(problem, experiment.phi(), settings, record->made.before, report);
      });
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

void check_values_can_be_found(const train::Experiment& experiment, const Options& options) {
  const hpo::GradientRehearsalOptions settings = gradient_rehearsal_options(experiment, options.experiment);
  const Vars phi = experiment.phi();
  constexpr std::int64_t most = 1000;
  if (hpo::components(phi) > most)
    fail<ValueError>("[rehearsal-gradient] {} hyperparameters, {} at the most: give --estimator truncated",
                     hpo::components(phi), most);
  try {
    train::Experiment(with_values(options.experiment, experiment.space(), experiment.space().values(phi)), experiment);
  } catch (const ValueError& error) {
    fail<ValueError>("[rehearsal-gradient] the run could not start from what is found: {}; give --estimator truncated",
                     error.what());
  }
  hpo::GradientRehearsal(hpo::to_components(phi, phi), settings);
  if (settings.lr) hpo::Rehearsal(hpo::to_components(phi, phi)[*settings.lr], settings.lengths);
  if (!options.quiet)
    say("rehearsal: finds {} first, in short runs and their hypergradients of at most {:.0f} steps' price together\n",
        fmt::join(options.experiment.tune, ", "), most_of(settings) * static_cast<double>(settings.lengths.T));
}

Options with_values_found(const train::Experiment& run, Options options, const RunFolder& folder,
                          const std::string& resume_command) {
  const Vars phi = run.phi();
  std::optional<Record> record = read(folder.path() / file);
  if (!record)
    record = Record{hpo::to_components(phi, phi), config_of(run, options, "rehearsal-gradient").at("hyper"), {}, {}};
  if (record->start.size() != static_cast<std::size_t>(hpo::components(phi)))
    fail<DataError>("[rehearsal] {}: expected {} numbers of start, found {}", (folder.path() / file).string(),
                    hpo::components(phi), record->start.size());

  const hpo::GradientRehearsalOptions settings = gradient_rehearsal_options(run, options.experiment);
  const auto most = static_cast<std::int64_t>(most_of(settings) * static_cast<double>(settings.lengths.T));
  const Stopwatch clock;
  Json json{{"given", record->given},
            {"start", record->start},
            {"trials", Json::array()},
            {"gradient_trials", Json::array()},
            {"trials_after", Json::array()}};
  const auto made = [&] {
    return json["trials"].size() + json["gradient_trials"].size() + json["trials_after"].size();
  };
  const std::size_t known = record->made.before.size() + record->made.outcomes.size() + record->made.after.size();
  const auto note = [&](const char* list, Json trial) {
    json[list].push_back(std::move(trial));
    json["seconds"] = record->cost.seconds + clock.seconds();
    if (made() > known) folder.write(file, json);
  };
  std::vector<double> u;
  watched(run, most, options, resume_command, made, [&](const hpo::FlatProblem& problem) {
    u = hpo::rehearse_by_gradient(
        problem, hpo::to_leaves(record->start, phi), settings, record->made,
        {[&](const hpo::RehearsalTrial& trial, double loss) { note("trials", to_json(trial, loss)); },
         [&](const hpo::GradientTrial& trial, const hpo::GradientOutcome& outcome) {
           note("gradient_trials", to_json(trial, outcome));
         },
         [&](const hpo::RehearsalTrial& trial, double loss) { note("trials_after", to_json(trial, loss)); }});
  });
  const std::vector<double> before = run.space().values(hpo::to_leaves(record->start, phi)),
                            after = run.space().values(hpo::to_leaves(u, phi));
  json["values"] = after;
  if (!json.contains("seconds")) json["seconds"] = record->cost.seconds;
  folder.write(file, json);
  if (!options.quiet) {
    std::vector<std::vector<std::string>> rows{{"", "given", "found"}};
    const std::vector<std::string> names = run.space().component_names();
    constexpr std::size_t most_shown = 24;
    for (std::size_t k = 0; k < std::min(names.size(), most_shown); ++k)
      rows.push_back({names[k], fmt::format("{:.4g}", before[k]), fmt::format("{:.4g}", after[k])});
    say("{}", table(rows));
    if (names.size() > most_shown)
      say("... and {} more: {}\n", names.size() - most_shown, (folder.path() / file).string());
    const auto losses = [](const Json& trial) { return trial["loss"].get<double>(); };
    const Json& trials = json["gradient_trials"];
    say("rehearsal: {} rehearsals with hypergradients, loss {:.4f} in the first, {:.4f} in the last, in {}\n",
        trials.size(), losses(trials.front()), losses(trials.back()), duration(clock.seconds()));
  }
  options.experiment = with_values(options.experiment, run.space(), after);
  return options;
}

void check_can_rehearse(const train::Experiment& experiment, const Options& options, const std::string& estimator) {
  is_gradient_rehearsal(estimator) ? check_values_can_be_found(experiment, options)
                                   : check_lr_can_be_found(experiment, options);
}

Options rehearsed(const train::Experiment& experiment, Options options, const std::string& estimator,
                  const RunFolder& folder, const std::string& resume_command) {
  return is_gradient_rehearsal(estimator) ? with_values_found(experiment, std::move(options), folder, resume_command)
                                          : with_lr_found(experiment, std::move(options), folder, resume_command);
}

Json settings_before(const RunFolder& folder) {
  Json config = read_json(folder.path() / "config.json");
  if (const std::optional<Record> record = read(folder.path() / file)) {
    if (record->given.is_null())
      config["hyper"]["lr"] = record->start[0];
    else
      config["hyper"] = record->given;
  }
  return config;
}

RehearsalCost cost_of_rehearsals(const RunFolder& folder) {
  const std::optional<Record> record = read(folder.path() / file);
  return record ? record->cost : RehearsalCost{};
}

}  // namespace glocal::app

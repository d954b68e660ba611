#include <glocal/app/run/compare.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <glocal/app/record/consistency.h>
#include <glocal/app/record/numbers.h>
#include <glocal/app/record/read_run.h>
#include <glocal/app/record/run_folder.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/report/report.h>
#include <glocal/app/run/find_lr.h>
#include <glocal/app/run/run.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/app/terminal/say.h>
#include <glocal/app/terminal/table.h>
#include <glocal/core/error.h>
#include <glocal/hpo/estimators/predict.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

// Everything about one estimator, over the seeds whose runs came to their end.
struct Row {
  struct Mean : Statistic {};  // stands in the summary without its deviation
  struct Tuned {
    Values mean, sd;  // number by number
  };
  std::string estimator;
  std::int64_t runs = 0, diverged = 0;
  Statistic val_loss, val_accuracy, test_loss, test_accuracy;
  Mean hypergradient_seconds, seconds, gradients, peak_bytes;
  Tuned values;
  std::vector<std::int64_t> kept;  // of each run, the update; of estimators from the start
  double ratio_time = 0, ratio_memory = 0, ratio_gradients = 0;  // to plain training

  // As summary.json has them; of statistics also the number of a run that they are of.
  template <class Self, class Visit>
  static void fields(Self& row, Visit&& visit) {
    visit("estimator", row.estimator);
    visit("seeds", row.runs);
    visit("diverged", row.diverged);
    visit("val_loss", row.val_loss, [](const Outcome& o) { return o.validation.loss; });
    visit("val_accuracy", row.val_accuracy, [](const Outcome& o) { return o.validation.accuracy; });
    visit("test_loss", row.test_loss, [](const Outcome& o) { return o.test.loss; });
    visit("test_accuracy", row.test_accuracy, [](const Outcome& o) { return o.test.accuracy; });
    visit("values", row.values);
    visit("kept", row.kept);
    visit("hypergradient_seconds", row.hypergradient_seconds, [](const Outcome& o) { return o.estimate_seconds; });
    visit("seconds", row.seconds, [](const Outcome& o) { return o.seconds; });
    visit("ratio_time", row.ratio_time);
    visit("gradient_evaluations", row.gradients, [](const Outcome& o) { return o.gradient_evaluations; });
    visit("ratio_gradients", row.ratio_gradients);
    visit("peak_bytes", row.peak_bytes, [](const Outcome& o) { return o.peak_bytes; });
    visit("ratio_memory", row.ratio_memory);
  }
};

Row summarise(const std::string& estimator, const std::vector<Outcome>& outcomes) {
  std::vector<const Outcome*> mine;
  Row row;
  row.estimator = estimator;
  for (const Outcome& outcome : outcomes) {
    if (outcome.estimator != estimator) continue;
    ++row.runs;
    row.diverged += outcome.status == "diverged";
    if (outcome.status == "ok") mine.push_back(&outcome);
  }
  const auto over = [&](auto&& number) {
    std::vector<double> numbers;
    for (const Outcome* outcome : mine) numbers.push_back(static_cast<double>(number(*outcome)));
    return statistic(numbers);
  };
  Row::fields(row, [&over](const char*, auto& field, auto... number) {
    if constexpr (sizeof...(number) > 0) static_cast<Statistic&>(field) = over(number...);
  });
  auto& [mean, sd] = row.values;
  if (!mine.empty()) mean = sd = mine.front()->values;
  for (std::size_t i = 0; i < mean.size(); ++i)
    for (std::size_t k = 0; k < mean[i].second.numbers.size(); ++k) {
      const Statistic one = over([=](const Outcome& o) { return o.values[i].second.numbers[k]; });
      mean[i].second.numbers[k] = one.mean;
      sd[i].second.numbers[k] = one.sd;
    }
  for (const Outcome* outcome : mine)
    if (const auto best = outcome->best()) row.kept.push_back(best->update);
  return row;
}

std::vector<Row> summarise_all(const std::vector<std::string>& estimators, const std::vector<Outcome>& outcomes) {
  std::vector<Row> rows;
  for (const std::string& estimator : estimators) rows.push_back(summarise(estimator, outcomes));
  const Row plain = rows.front();  // a copy: each row is divided by it
  for (Row& row : rows) {
    row.ratio_time = row.seconds.mean / plain.seconds.mean;
    row.ratio_gradients = row.gradients.mean / plain.gradients.mean;
    row.ratio_memory = row.peak_bytes.mean / plain.peak_bytes.mean;
  }
  return rows;
}

Json to_json(const Row& row) {
  Json json;
  Row::fields(row, [&json]<class T>(const char* key, const T& field, auto...) {
    if constexpr (std::is_same_v<T, Statistic>) {
      json[key] = field.count == 0 ? Json() : Json{{"mean", field.mean}, {"sd", field.sd}};
    } else if constexpr (std::is_same_v<T, Row::Mean>) {
      json[key] = field.mean;
    } else if constexpr (std::is_same_v<T, Row::Tuned>) {
      json[key] = Json::object();
      for (std::size_t i = 0; i < field.mean.size(); ++i)
        json[key][field.mean[i].first] = {{"mean", in_text(field.mean[i].second)}, {"sd", in_text(field.sd[i].second)}};
    } else {
      json[key] = field;
    }
  });
  return json;
}

std::string tables(const std::vector<Row>& rows, const std::vector<hpo::Extent>& tuned) {
  std::vector<std::vector<std::string>> quality{
      {"", "validation loss", "accuracy %", "test loss", "accuracy %", "diverged"}};
  std::vector<std::vector<std::string>> cost{
      {"", "update kept", "hypergradient s", "total s", "x plain", "peak MB", "x plain"}};
  for (std::size_t i = 0; i < tuned.size(); ++i)
    cost.front().insert(cost.front().begin() + 1 + static_cast<std::ptrdiff_t>(i), tuned[i].name);
  for (const Row& row : rows) {
    quality.push_back({row.estimator, text(row.val_loss, 4), text(row.val_accuracy, 2, 100), text(row.test_loss, 4),
                       text(row.test_accuracy, 2, 100), fmt::format("{} of {}", row.diverged, row.runs)});
    std::vector<std::string> line{row.estimator};
    for (std::size_t i = 0; i < tuned.size(); ++i)
      line.push_back(i < row.values.mean.size() ? spread_text(spread_of(row.values.mean[i].second.numbers), 3) : "-");
    const bool any = row.seconds.count > 0;
    line.push_back(row.kept.empty() ? "-" : fmt::format("{}", fmt::join(row.kept, ", ")));
    line.insert(line.end(), {text({row.hypergradient_seconds.mean, 0, any}, 2), text({row.seconds.mean, 0, any}, 2),
                             text({row.ratio_time, 0, any}, 1), text({row.peak_bytes.mean, 0, any}, 1, 1e-6),
                             text({row.ratio_memory, 0, any}, 1)});
    cost.push_back(std::move(line));
  }
  const bool regression =
      std::any_of(rows.begin(), rows.end(), [](const Row& row) { return std::isnan(row.test_accuracy.mean); });
  if (regression)
    for (std::vector<std::string>& line : quality) line = {line[0], line[1], line[3], line[5]};
  return fmt::format("{}\n{}\n", table(quality), table(cost));
}

// Plain training comes first: every other run is held against it.
std::vector<std::string> with_fixed_first(std::vector<std::string> estimators) {
  std::vector<std::string> ordered{"fixed"};
  for (std::string& estimator : estimators)
    if (std::find(ordered.begin(), ordered.end(), estimator) == ordered.end()) ordered.push_back(std::move(estimator));
  return ordered;
}

// The summary of a comparison that has come to its end; nothing before.
std::optional<Json> finished_summary(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return {};
  Json summary = read_json(file);
  const std::string status = text_at(summary, "status");
  if (status == "diverged" && !summary.contains("error"))
    fail<DataError>("[compare] {} has status diverged and no error; it was not written by glocal compare",
                    file.string());
  const std::filesystem::path folder = file.parent_path();
  check_summary(folder, read_json(folder / "config.json"), read_json(folder / "meta.json"), summary);
  return status == "ok" || status == "diverged" ? std::optional(std::move(summary)) : std::nullopt;
}

// A run of a comparison that goes on is read back when it had come to its end.
Outcome run_or_read(const train::Experiment& experiment, const Options& options, const std::string& estimator,
                    const RunFolder& folder, const hpo::Cost& predicted) {
  RunFolder inside = folder.inside(fmt::format("{}-seed{}", estimator, options.experiment.seed));
  Resumption resumption{false, resume_command(options, folder.path().string()),
                        (folder.path() / "report.html").string()};
  const std::string path = inside.path().string();
  if (!options.resume.empty() && std::filesystem::exists(inside.path() / "config.json")) {
    // Else it is left from a comparison that --force has replaced.
    resumption.go_on =
        without_machine(settings_before(inside)) == without_machine(config_of(experiment, options, estimator));
    inside = resumption.go_on ? RunFolder::reopen(path) : RunFolder::plan(path, "", /*force=*/true);
    if (resumption.go_on)
      if (auto before = finished(inside.path())) return std::move(*before);
  }
  if (!resumption.go_on) inside.create();
  if (!rehearses(estimator)) return run(experiment, options, estimator, inside, predicted, resumption);
  if (!resumption.go_on) inside.write("config.json", config_of(experiment, options, estimator));
  if (!resumption.go_on) inside.write("meta.json", describe(experiment, predicted));
  Options found = rehearsed(experiment, options, estimator, inside, resumption.command);
  const train::Experiment after = build(found, found.experiment.seed, &experiment);
  inside.write("config.json", config_of(after, found, estimator));
  return run(after, found, estimator, inside, predicted, resumption);
}

std::string accuracy_text(const Outcome& outcome) {
  if (std::isnan(outcome.test.accuracy)) return fmt::format("test loss {:.4g}", outcome.test.loss);
  return fmt::format("test accuracy {:.2f} %", 100 * outcome.test.accuracy);
}

// Where the rehearsals of a seed are kept, whose rate all its runs take.
RunFolder rehearsal_folder(const Options& options, const RunFolder& folder) {
  const RunFolder inside = folder.inside(fmt::format("rehearsal-seed{}", options.experiment.seed));
  const bool go_on = !options.resume.empty() && std::filesystem::exists(inside.path() / "config.json");
  if (go_on) return RunFolder::reopen(inside.path().string());
  inside.create();
  inside.write("config.json", app::to_json(options));
  return inside;
}

// All runs, seed by seed; ends early when one is interrupted.
std::vector<Outcome> run_all(const Options& base, const train::Experiment& first,
                             const std::vector<hpo::Cost>& predicted, const RunFolder& folder) {
  std::vector<Outcome> outcomes;
  for (std::int64_t i = 0; i < base.seeds; ++i) {
    Options options = base;
    options.experiment.seed += static_cast<std::uint64_t>(i);
    if (options.find_lr != "none") {
      options = with_lr_found(first, options, rehearsal_folder(options, folder),
                              resume_command(options, folder.path().string()));
      options.find_lr = "none";
    }
    const bool same = i == 0 && base.find_lr == "none";
    const train::Experiment experiment = same ? first : build(options, options.experiment.seed, &first);
    for (std::size_t k = 0; k < options.estimators.size(); ++k) {
      const std::string& estimator = options.estimators[k];
      outcomes.push_back(run_or_read(experiment, options, estimator, folder, predicted[k]));
      const Outcome& outcome = outcomes.back();
      if (outcome.status == "interrupted") return outcomes;
      if (!options.quiet)
        say("{} seed {}: {} in {}\n", estimator, outcome.seed,
            outcome.status != "ok" ? outcome.status
            : outcome.best()       ? fmt::format("{}, {}", accuracy_text(outcome), hpo::text(*outcome.best()))
                                   : accuracy_text(outcome),
            duration(outcome.seconds));
    }
  }
  return outcomes;
}

}  // namespace

void compare(Options options) {
  options.estimators = with_fixed_first(options.estimators);
  check(options, options.estimators);
  const train::ExperimentConfig& config = options.experiment;
  const bool go_on = !options.resume.empty();
  const RunFolder folder =
      go_on
          ? RunFolder::reopen(options.resume)
          : RunFolder::plan(options.out,
                            fmt::format("compare-{}-{}-seed{}", folder_word(config.dataset), config.model, config.seed),
                            options.force);
  if (go_on)
    if (const auto before = finished_summary(folder.path() / "summary.json")) {
      write_missing_report(folder.path());
      if (text_at(*before, "status") == "diverged") throw DivergedError(text_at(*before, "error"));
      print_saved(
          fmt::format("{} has come to its end; see {}\n", options.resume, (folder.path() / "report.html").string()),
          options.resume);
      return;
    }
  const train::Experiment first = build(options, config.seed);
  const std::vector<hpo::Cost> predicted = predict(first, options, options.estimators);
  if (options.find_lr != "none") check_lr_can_be_found(first, options);
  for (const std::string& estimator : options.estimators)
    if (rehearses(estimator)) check_can_rehearse(first, options, estimator);
  if (!go_on) folder.create();
  if (!go_on) folder.write("config.json", to_json(resolved(options, first)));
  hpo::Cost all;
  for (const hpo::Cost& cost : predicted) {
    all.seconds += cost.seconds * static_cast<double>(options.seeds);
    all.bytes = std::max(all.bytes, cost.bytes);
  }
  folder.write("meta.json", describe(first, all));

  const std::vector<Outcome> outcomes = run_all(options, first, predicted, folder);
  const std::vector<Row> rows = summarise_all(options.estimators, outcomes);
  const auto failed = std::find_if(outcomes.rbegin(), outcomes.rend(), [](const Outcome& o) { return !!o.failure; });
  Json summary{
      {"data", first.title()}, {"command", "compare"}, {"status", failed == outcomes.rend() ? "ok" : failed->status}};
  if (failed != outcomes.rend()) summary["error"] = failed->error;
  summary["rows"] = Json::array();
  for (const Outcome& outcome : outcomes) summary["rows"].push_back(to_json(outcome));
  summary["table"] = Json::array();
  for (const Row& row : rows) summary["table"].push_back(to_json(row));
  folder.write("summary.json", summary);
  write_report(folder.path());

  const std::string report = (folder.path() / "report.html").string();
  if (options.json) {
    summary["folder"] = folder.path().string();
    summary["report"] = report;
    print_saved(json_dump(summary) + "\n", folder.path().string());
  } else {
    const std::string title =
        fmt::format("{}, {} with {}, {} steps, {}\n\n", first.title(), config.model, config.optimizer, config.steps,
                    options.seeds == 1 ? "1 seed" : fmt::format("{} seeds", options.seeds));
    print_saved(title + tables(rows, first.space().extents()) + fmt::format("report: {}\n", report),
                folder.path().string());
  }
  if (failed != outcomes.rend()) std::rethrow_exception(failed->failure);
}

}  // namespace glocal::app

#include <glocal/app/record/consistency.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/run_record.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_fields.h>
#include <glocal/app/settings/options.h>
#include <glocal/core/error.h>

namespace glocal::app {
namespace fs = std::filesystem;
namespace {

constexpr double most = std::numeric_limits<double>::max();
constexpr std::int64_t most_steps = 1'000'000'000'000, most_count = std::int64_t{1} << 62;

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

[[noreturn]] void refuse(const fs::path& file, const std::string& field, const std::string& expected, double found) {
  fail<DataError>("[runs] {}: {}: expected {}, found {}", file.string(), field, expected, found);
}

// summary.json's `key`, where both files have it.
void check_pair(Fields& summary, const char* key, const Json& other, const char* other_key, const char* file) {
  if (summary.has(key) && other.contains(other_key))
    summary.equal(key, other.at(other_key), fmt::format("{} of {}", other_key, file));
}

void check_score(const Json& summary, const char* part, bool regression, const std::string& where) {
  if (!summary.contains(part)) return;
  Fields score(summary.at(part), part, where);
  if (score.has("loss")) score.number_or_null("loss");
  if (!score.has("accuracy")) return;
  if (regression)
    score.equal("accuracy", nullptr, "of a regression");
  else
    score.number("accuracy", 0, 1);
}

}  // namespace

void check_summary(const fs::path& folder, const Json& config, const Json& meta, const Json& summary) {
  check_layout(folder, config, 1);
  const std::string where = (folder / "summary.json").string();
  Fields fields(summary, "", where);
  check_pair(fields, "command", config, "command", "config.json");
  check_pair(fields, "data", meta, "dataset_title", "meta.json");
  const std::string status = text_at(summary, "status");
  const char* known[] = {"ok", "diverged", "interrupted", "failed"};
  if (fields.has("status") && std::find(std::begin(known), std::end(known), status) == std::end(known))
    fields.refuse("status", "ok, diverged, interrupted or failed");
  if (status == "ok" && fields.has("error")) fields.refuse("error", "none of a run that is ok");
  if (is_comparison(summary)) return;
  check_pair(fields, "seed", config, "seed", "config.json");
  check_pair(fields, "estimator", config, "estimator", "config.json");
  for (const char* key : {"predicted_seconds", "predicted_bytes"}) check_pair(fields, key, meta, key, "meta.json");
  if (status == "ok") check_pair(fields, "steps", config, "steps", "config.json");
  const std::int64_t T = config.contains("steps")
                             ? Fields(config, "", (folder / "config.json").string()).whole("steps", 1, most_steps)
                             : most_steps;
  if (fields.has("steps")) fields.whole("steps", 0, T);
  const std::int64_t updates = fields.has("updates") ? fields.whole("updates", 0, most_count) : most_count;
  if (fields.has("clipped")) fields.whole("clipped", 0, updates);
  if (fields.has("gradient_evaluations")) fields.whole("gradient_evaluations", 0, most_count);
  for (const char* key : {"seconds", "estimate_seconds", "peak_bytes"})
    if (fields.has(key)) fields.number(key, 0, most);
  if (fields.has("train_loss")) fields.number_or_null("train_loss");
  for (const char* part : {"val", "test"}) check_score(summary, part, is_regression(config), where);
}

void check_run(const RunRecord& run) {
  check_summary(run.folder, run.config, run.meta, run.summary);
  const std::string status = text_at(run.summary, "status");
  const bool failed = status == "failed";  // it may have stopped in the middle of a line
  const double steps = number_at(run.summary, {"steps"}), T = number_at(run.config, {"steps"});
  const fs::path metrics = run.folder / "metrics.jsonl", hparams = run.folder / "hparams.jsonl";
  const double end = std::isnan(steps) ? T : steps;
  for (const auto& [name, curve] : {std::pair<const char*, const Curve*>{"train_loss", &run.train_loss},
                                    {"val_loss", &run.val_loss},
                                    {"val_accuracy", &run.val_accuracy}})
    for (std::size_t i = 0; i < curve->size(); ++i) {
      const auto [step, value] = (*curve)[i];
      const double least = i == 0 ? 0 : (*curve)[i - 1][0];
      if (step < least || (step > end && !failed))
        refuse(metrics, fmt::format("step of {} number {}", name, i + 1), fmt::format("{} to {}", least, end), step);
      if (name == std::string("val_accuracy") && (value < 0 || value > 1)) refuse(metrics, name, "0 to 1", value);
    }
  for (std::size_t i = 0; i < run.updates.size(); ++i) {
    const UpdateRecord& update = run.updates[i];
    const auto index = static_cast<std::int64_t>(i) - 1, least = i == 0 ? 0 : run.updates[i - 1].step;
    if (update.index != index)
      refuse(hparams, fmt::format("update of line {}", i + 1), fmt::format("{}", index),
             static_cast<double>(update.index));
    if (update.step < least || static_cast<double>(update.step) > T)
      refuse(hparams, fmt::format("step of update {}", index), fmt::format("{} to {}", least, T),
             static_cast<double>(update.step));
  }
  if (failed || run.updates.empty()) return;

  const auto in_summary = [&](std::initializer_list<const char*> keys, double expected, const std::string& by) {
    const double found = number_at(run.summary, keys);
    std::string name;
    for (const char* key : keys) name += (name.empty() ? "" : ".") + std::string(key);
    const Json* at = &run.summary;
    for (const char* key : keys) {
      if (!at->is_object() || !at->contains(key)) return;
      at = &at->at(key);
    }
    if (!same(found, expected)) refuse(run.folder / "summary.json", name, fmt::format("{} ({})", expected, by), found);
  };
  in_summary({"updates"}, static_cast<double>(run.updates.size() - 1), "the lines of hparams.jsonl");
  // Of runs from the start, once the last is judged, those of the one that was kept.
  const double best = number_at(run.summary, {"best", "update"});
  const bool kept =
      run.judged.size() == run.updates.size() && best >= 0 && best < static_cast<double>(run.updates.size());
  const UpdateRecord& used = kept ? run.updates[static_cast<std::size_t>(best)] : run.updates.back();
  if (run.summary.contains("values")) {
    Fields values(run.summary.at("values"), "values", (run.folder / "summary.json").string());
    for (const std::string& name : run.names)
      if (values.has(name.c_str()))
        values.equal(name.c_str(), used.value_texts.at(name),
                     kept ? "the run kept, in hparams.jsonl" : "the last of hparams.jsonl");
  }
  // The step that diverged has its loss in the summary alone.
  if (!kept && status != "diverged" && !run.train_loss.empty() && run.train_loss.back()[0] == steps)
    in_summary({"train_loss"}, run.train_loss.back()[1], "the last of metrics.jsonl");
  // One that is stopped between its last scores has them in the summary alone.
  if (run.val_loss.empty() || (status == "interrupted" && steps == T)) return;
  in_summary({"val", "loss"}, run.val_loss.back()[1], "the last of metrics.jsonl");
  in_summary({"val", "accuracy"}, run.val_accuracy.empty() ? NAN : run.val_accuracy.back()[1],
             "the last of metrics.jsonl");
  if (status == "ok" && !std::isnan(run.test_loss)) {
    in_summary({"test", "loss"}, run.test_loss, "metrics.jsonl");
    in_summary({"test", "accuracy"}, run.test_accuracy, "metrics.jsonl");
  }
}

void check_row(const fs::path& folder, const Json& row, const RunRecord& run) {
  Fields fields(row, fmt::format("rows of {}", run.folder.filename().string()), (folder / "summary.json").string());
  for (const auto& [key, value] : run.summary.items())
    if (fields.has(key.c_str())) fields.equal(key.c_str(), value, "as in its own summary.json");
}

}  // namespace glocal::app

#include <glocal/app/command/runs.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <glocal/app/record/consistency.h>
#include <glocal/app/record/numbers.h>
#include <glocal/app/record/read_run.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/report/report.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/app/terminal/say.h>
#include <glocal/app/terminal/table.h>
#include <glocal/core/error.h>
#include <glocal/core/text/printable.h>

namespace glocal::app {
namespace fs = std::filesystem;
namespace {

std::string percent(double share) { return std::isnan(share) ? "-" : fmt::format("{:.2f}", 100 * share); }

// The best test accuracy of a comparison's estimators, or the run's own.
double test_accuracy(const Json& summary) {
  if (!is_comparison(summary)) return number_at(summary, {"test", "accuracy"});
  double best = NAN;
  for (const Json& row : summary.at("table")) {
    const double accuracy = number_at(row, {"test_accuracy", "mean"});
    if (std::isnan(best) || accuracy > best) best = accuracy;
  }
  return best;
}

// A folder without summary.json is a run that goes on, or was killed.
std::vector<std::string> row_of(const fs::path& folder) {
  const Json config = read_json(folder / "config.json");
  std::error_code ignored;
  check_layout(folder, config, 1);
  const bool ended = fs::exists(folder / "summary.json", ignored);
  const Json summary = ended ? read_json(folder / "summary.json") : Json::object();
  if (ended) check_summary(folder, config, Json::object(), summary);
  const std::string estimator = text_at(config, "estimator");
  return {folder.filename().string(),
          text_at(config, "command"),
          text_at(config, "dataset"),
          text_at(config, "model"),
          estimator.empty() ? text_at(config, "estimators") : estimator,
          percent(test_accuracy(summary)),
          ended ? text_at(summary, "status") : "unfinished"};
}

void show_table(const Json& summary) {
  std::vector<std::vector<std::string>> rows{
      {"", "validation loss", "test loss", "test accuracy %", "time x plain", "memory x plain"}};
  const auto text = [](double number, int decimals) {
    return std::isnan(number) ? "-" : app::text(Statistic{number, 0, 1}, decimals);
  };
  for (const Json& row : summary.at("table"))
    rows.push_back({text_at(row, "estimator"), text(number_at(row, {"val_loss", "mean"}), 4),
                    text(number_at(row, {"test_loss", "mean"}), 4), percent(number_at(row, {"test_accuracy", "mean"})),
                    text(number_at(row, {"ratio_time"}), 1), text(number_at(row, {"ratio_memory"}), 1)});
  fmt::print("{}", table(rows));
}

}  // namespace

void list_runs(const fs::path& folder) {
  std::error_code error, ignored;
  if (!fs::is_directory(folder, ignored))
    fail<DataError>("[runs] there is no folder {}; glocal tune makes it, or name another one", folder.string());
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (fs::exists(entry.path() / "config.json", ignored)) found.push_back(entry.path());
  if (error) fail<IoError>("[runs] cannot read {}: {}", folder.string(), error.message());
  std::sort(found.begin(), found.end());
  std::vector<std::vector<std::string>> rows{
      {"run", "command", "data", "model", "estimator", "test accuracy %", "status"}};
  for (const fs::path& path : found) {
    try {
      rows.push_back(row_of(path));
    } catch (const DataError& damage) {  // one bad folder does not hide the others
      rows.push_back({path.filename().string(), "", "", "", "", "", "damaged"});
      say("glocal: note: {}\n", printable(damage.what()));
    }
  }
  if (found.empty())
    fmt::print("no runs in {}\n", folder.string());
  else
    fmt::print("{}", table(rows));
}

void show_run(const fs::path& folder) {
  const Json config = read_json(folder / "config.json"), meta = read_json(folder / "meta.json");
  const Json summary = read_json(folder / "summary.json");
  check_summary(folder, config, meta, summary);
  std::vector<std::vector<std::string>> lines{{"", ""}};
  const auto add = [&lines](const std::string& name, const std::string& value) {
    if (!value.empty()) lines.push_back({name, value});
  };
  add("command", text_at(config, "command"));
  add("data", text_at(meta, "dataset_title"));
  add("model", text_at(config, "model"));
  add("optimizer", text_at(config, "optimizer"));
  add("estimator", text_at(summary, "estimator"));
  add("steps", text_at(config, "steps"));
  add("seed", text_at(config, "seed"));
  add("status", text_at(summary, "status"));
  add("date", text_at(meta, "date"));
  if (!is_comparison(summary)) {
    add("updates", text_at(summary, "updates"));
    if (summary.contains("best")) add("kept", text_at(summary["best"], "text"));
    if (is_regression(config)) {
      for (const auto& [name, part] : {std::pair{"validation loss", "val"}, std::pair{"test loss", "test"}})
        add(name, fmt::format("{:.4g}", number_at(summary, {part, "loss"})));
    } else {
      add("validation accuracy %", percent(number_at(summary, {"val", "accuracy"})));
      add("test accuracy %", percent(number_at(summary, {"test", "accuracy"})));
    }
    if (summary.contains("values"))
      for (const auto& [name, value] : summary.at("values").items())
        add(name, value.is_structured() ? spread_text(spread_in(value), 6) : value.dump());
    const double seconds = number_at(summary, {"seconds"}), bytes = number_at(summary, {"peak_bytes"});
    if (!std::isnan(seconds)) add("time", duration(seconds));
    if (!std::isnan(bytes)) add("peak of tensors", size_text(bytes));
  }
  add("report", fs::exists(folder / "report.html") ? (folder / "report.html").string() : "");
  std::size_t width = 0;
  for (const auto& line : lines) width = std::max(width, line[0].size());
  for (std::size_t i = 1; i < lines.size(); ++i)
    fmt::print("{:<{}}  {}\n", printable(lines[i][0]), width, printable(lines[i][1]));
  if (!is_comparison(summary)) return;
  fmt::print("\n");
  show_table(summary);
}

void report_run(const fs::path& folder) {
  write_report(folder);
  const std::string report = (folder / "report.html").string();
  print_saved(report + "\n", report);
}

}  // namespace glocal::app

#include <glocal/app/report/compare.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/consistency.h>
#include <glocal/app/record/numbers.h>
#include <glocal/app/record/read_run.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/report/figures.h>
#include <glocal/app/report/html.h>
#include <glocal/app/report/sections.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/table.h>
#include <glocal/core/error.h>

namespace glocal::app {
namespace {

// {mean, sd} of a row as it stands on stdout.
std::string cell(const Json& row, const char* key, int decimals, double unit = 1) {
  const double mean = number_at(row, {key, "mean"}), sd = number_at(row, {key, "sd"});
  if (std::isnan(mean)) return "–";
  const double finished = number_at(row, {"seeds"}) - number_at(row, {"diverged"});
  return text(Statistic{mean, sd, finished > 1 ? std::size_t{2} : std::size_t{1}}, decimals, unit);
}

std::string number_cell(const Json& row, const char* key, int decimals, double unit = 1) {
  const double number = number_at(row, {key});
  return std::isnan(number) || number_at(row, {"seconds"}) == 0 ? "–" : fmt::format("{:.{}f}", number * unit, decimals);
}

std::string tables(const Json& rows, const std::vector<std::string>& names, bool regression) {
  Table quality{{"", "validation loss", "validation accuracy %", "test loss", "test accuracy %", "diverged"}, {}};
  Table cost{{""}, {}};
  cost.head.insert(cost.head.end(), names.begin(), names.end());
  cost.head.insert(cost.head.end(), {"update kept", "gradients, × plain", "hypergradient s", "total s", "× plain",
                                     "peak MB", "× plain"});
  for (const Json& row : rows) {
    const std::string estimator = text_at(row, "estimator");
    quality.rows.push_back({estimator, cell(row, "val_loss", 4), cell(row, "val_accuracy", 2, 100),
                            cell(row, "test_loss", 4), cell(row, "test_accuracy", 2, 100),
                            fmt::format("{} of {}", text_at(row, "diverged"), text_at(row, "seeds"))});
    std::vector<std::string> line{estimator};
    for (const std::string& name : names) {
      const Json::json_pointer mean = Json::json_pointer() / "values" / name / "mean";
      const Spread value = row.contains(mean) ? spread_in(row.at(mean)) : Spread();
      line.push_back(std::isnan(value.median) ? "–" : spread_text(value, 3));
    }
    const std::string kept = text_at(row, "kept");
    line.push_back(kept.empty() ? "–" : kept);
    line.insert(line.end(), {number_cell(row, "ratio_gradients", 1), number_cell(row, "hypergradient_seconds", 2),
                             number_cell(row, "seconds", 2), number_cell(row, "ratio_time", 1),
                             number_cell(row, "peak_bytes", 1, 1e-6), number_cell(row, "ratio_memory", 1)});
    cost.rows.push_back(std::move(line));
  }
  const auto without_accuracy = [](std::vector<std::string>& line) { line = {line[0], line[1], line[3], line[5]}; };
  if (regression) {
    without_accuracy(quality.head);
    for (std::vector<std::string>& line : quality.rows) without_accuracy(line);
  }
  return html_of(quality) + html_of(cost) +
         "<p class=\"note\">Mean ± standard deviation over the seeds that came to their end. A difference smaller than "
         "the deviations shows nothing. Plain training, fixed, is what time and memory are divided by. Estimators that "
         "run from the start keep the best of "
         "their runs: after which update it was, seed by seed, 0 for the start.</p>\n";
}

// The runs that came to their end, by estimator.
std::vector<RunGroup> read_groups(const std::filesystem::path& folder, const Json& summary) {
  std::vector<RunGroup> groups;
  for (const Json& row : summary.at("rows")) {
    if (text_at(row, "status") != "ok") continue;
    const std::string estimator = text_at(row, "estimator"), seed = text_at(row, "seed");
    if ((estimator + seed).find('/') != std::string::npos)
      fail<DataError>("[runs] {}: summary.json: expected rows with the name of an estimator, found \"{}\"",
                      folder.string(), estimator);
    auto group = std::find_if(groups.begin(), groups.end(), [&](auto& g) { return g.estimator == estimator; });
    if (group == groups.end()) group = groups.insert(group, RunGroup{estimator, {}});
    group->runs.push_back(read_run(folder / fmt::format("{}-seed{}", estimator, seed)));
    check_row(folder, row, group->runs.back());
  }
  return groups;
}

// What tiles show of a row: its test accuracy, or its test loss.
std::string test_score(const Json& row, bool regression) {
  if (regression) return cell(row, "test_loss", 4);
  const double accuracy = number_at(row, {"test_accuracy", "mean"});
  return std::isnan(accuracy) ? "–" : fmt::format("{:.2f} %", 100 * accuracy);
}

std::string headline(const Json& rows, bool regression) {
  const std::string score = regression ? "test loss" : "test accuracy";
  const Json *best = nullptr, *plain = nullptr;
  for (const Json& row : rows) {
    const double loss = number_at(row, {"val_loss", "mean"});
    if (text_at(row, "estimator") == "fixed") plain = &row;
    if (!std::isnan(loss) && (!best || loss < number_at(*best, {"val_loss", "mean"}))) best = &row;
  }
  if (!best) return "<p class=\"alarm\">No run came to its end.</p>\n";
  std::vector<std::pair<std::string, std::string>> entries{
      {text_at(*best, "estimator"), "has the lowest validation loss"}, {test_score(*best, regression), "its " + score}};
  if (plain && plain != best) {
    entries.emplace_back(test_score(*plain, regression), score + " of plain training");
    entries.emplace_back(number_cell(*best, "ratio_time", 1) + " ×", "its time over plain training");
    entries.emplace_back(number_cell(*best, "ratio_memory", 1) + " ×", "its memory over plain training");
  }
  return tiles(entries);
}

std::string overlays(const std::vector<RunGroup>& groups, const std::vector<std::string>& names, bool regression) {
  if (groups.empty()) return "";
  std::string out = "<h2>Training</h2>\n<div class=\"grid\">\n";
  out += figure(loss_overlay(groups), "loss",
                "Thin lines are seeds, bold lines their means. Lower and earlier is better. Lines that lie closer "
                "together than the seeds do are not different. Global searches first and then trains with what it "
                "found last, so its curve starts better; it ends at the run that was kept.");
  if (!regression)
    out += figure(accuracy_overlay(groups), "accuracy", "The share of validation images classified right.");
  out += "</div>\n";
  const bool tuned =
      std::any_of(groups.begin(), groups.end(), [](auto& g) { return g.runs.front().updates.size() > 1; });
  if (!tuned) return out;
  out += "<h2>Hyperparameters</h2>\n<div class=\"grid\">\n";
  for (std::size_t k = 0; k < std::min(names.size(), most_values); ++k)
    out += figure(value_overlay(groups, k), fmt::format("value-{}", k),
                  k == 0 ? "All start from the same value. Estimators that see only one block can pull a learning rate "
                           "down too early; how far the others end from global tells what the approximation costs."
                         : "");
  return out + "</div>\n";
}

std::string cost_bars(const Json& rows) {
  std::vector<std::string> estimators;
  std::vector<double> times, bytes;
  for (const Json& row : rows) {
    estimators.push_back(text_at(row, "estimator"));
    times.push_back(number_at(row, {"ratio_time"}));
    bytes.push_back(number_at(row, {"ratio_memory"}));
  }
  return "<h2>Time and memory</h2>\n<div class=\"grid\">\n" +
         figure(ratio_bars(estimators, times, "Time, in runs of plain training", "times plain training"), "time",
                "Shorter is better; 1 is the price of training without tuning.") +
         figure(ratio_bars(estimators, bytes, "Peak memory, against plain training", "times plain training"), "memory",
                "The peak of all tensors; the images themselves are not counted.") +
         "</div>\n";
}

}  // namespace

std::string comparison_page(const std::filesystem::path& folder) {
  const Json config = read_json(folder / "config.json"), meta = read_json(folder / "meta.json");
  const Json summary = read_json(folder / "summary.json");
  Page page;
  try {
    check_summary(folder, config, meta, summary);
    const std::vector<RunGroup> groups = read_groups(folder, summary);
    std::vector<std::string> names;
    if (!groups.empty()) names = groups.front().runs.front().names;
    page.title =
        fmt::format("{} on {}: ways of tuning, compared", text_at(config, "model"), text_at(config, "dataset"));
    page.subtitle = problem_text(config, meta);
    page.synthetic = meta.value("synthetic", false);
    const bool regression = is_regression(config);
    page.body = headline(summary.at("table"), regression) + tables(summary.at("table"), names, regression);
    page.body += overlays(groups, names, regression) + cost_bars(summary.at("table"));
    for (const RunGroup& group : groups) {
      if (group.estimator != "glocal") continue;
      page.body += forecast_section(group.runs.front());
      page.body += fmt::format("<p class=\"note\">Shown: seed {}.</p>\n", text_at(group.runs.front().summary, "seed"));
      page.body += updates_section(group.runs.front());
    }
    page.body += settings_section(config, meta);
  } catch (const nlohmann::json::exception& error) {
    fail<DataError>("[runs] {}: {}", (folder / "summary.json").string(), error.what());
  }
  return html_of(page);
}

}  // namespace glocal::app

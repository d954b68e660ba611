#include <glocal/app/report/report.h>

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/app/record/numbers.h>
#include <glocal/app/record/progress_file.h>
#include <glocal/app/record/read_run.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/report/compare.h>
#include <glocal/app/report/figures.h>
#include <glocal/app/report/html.h>
#include <glocal/app/report/rehearsals.h>
#include <glocal/app/report/sections.h>
#include <glocal/app/settings/json_record.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/text/printable.h>
#include <glocal/core/text/xml.h>

namespace glocal::app {
namespace {

std::string percent(double share) { return std::isnan(share) ? "–" : fmt::format("{:.2f} %", 100 * share); }

std::string headline_tiles(const RunRecord& run) {
  const Json& summary = run.summary;
  const double test_loss = number_at(summary, {"test", "loss"});
  std::vector<std::pair<std::string, std::string>> entries{
      {percent(number_at(summary, {"test", "accuracy"})), "test accuracy"},
      {number_text(test_loss), "test loss"},
      {percent(number_at(summary, {"val", "accuracy"})), "validation accuracy"}};
  if (is_regression(run.config))
    entries = {{number_text(test_loss), "test loss, a share of the target's variance"},
               {percent(1 - test_loss), "of that variance explained (R²)"},
               {number_text(number_at(summary, {"val", "loss"})), "validation loss"}};
  if (!run.updates.empty()) {  // a run that was killed at once has none
    const UpdateRecord& end = run.updates[kept_update(run).value_or(run.updates.size() - 1)];
    for (std::size_t k = 0; k < std::min(run.names.size(), most_values); ++k)
      entries.emplace_back(number_text(end.values[k]), run.names[k] + " at the end");
  }
  const double seconds = number_at(summary, {"seconds"}), bytes = number_at(summary, {"peak_bytes"});
  if (!std::isnan(seconds)) entries.emplace_back(duration(seconds), "of training");
  if (!std::isnan(bytes)) entries.emplace_back(size_text(bytes), "peak of tensors");
  return tiles(entries);
}

constexpr int live_refresh = 30;  // seconds

// The summary of a run that goes on says where it stands, and has no status yet.
bool goes_on(const RunRecord& run) { return run.summary.contains("standing"); }

std::string status_line(const RunRecord& run) {
  const std::string status = text_at(run.summary, "status");
  if (status == "ok") return "";
  if (goes_on(run))
    return fmt::format("<p class=\"alarm\">{} This page reloads itself every {} s.</p>\n",
                       xml_text(text_at(run.summary, "standing")), live_refresh);
  return fmt::format("<p class=\"alarm\">This run was {} after {} steps; the numbers are those until then.</p>\n",
                     status == "diverged" ? "stopped because it diverged" : xml_text(status),
                     xml_text(text_at(run.summary, "steps")));
}

std::string run_page(const RunRecord& run) {
  Page page;
  const bool tuned = run.updates.size() > 1;
  page.title = fmt::format("{} on {}: {}", text_at(run.config, "model"), text_at(run.config, "dataset"),
                           tuned ? run.estimator + " tuning" : "plain training");
  page.subtitle = problem_text(run.config, run.meta);
  page.synthetic = run.meta.value("synthetic", false);
  page.refresh = goes_on(run) ? live_refresh : 0;
  page.body = status_line(run) + headline_tiles(run) + kept_text(run);
  page.body += "<h2>Training</h2>\n<div class=\"grid\">\n";
  page.body += figure(loss_plot(run), "loss",
                      "Both should fall together. Validation turning up while training falls is overfitting; a jump "
                      "right after an outer update means that the update went too far.");
  if (!is_regression(run.config))
    page.body += figure(accuracy_plot(run), "accuracy", "The share of validation images classified right.");
  page.body += "</div>\n";
  if (tuned) {
    page.body += "<h2>Hyperparameters</h2>\n<div class=\"grid\">\n";
    for (std::size_t k = 0; k < std::min(run.names.size(), most_values); ++k)
      page.body +=
          figure(value_plot(run, k), fmt::format("value-{}", k),
                 k == 0 && is_search(run)
                     ? "The line is the best so far, which is trained once more at the end; the rings are all trials. "
                       "A best that sticks to an edge of what was tried asks for a wider box."
                 : k == 0 ? "A path that flattens has found its place; one that still climbs or falls at the end "
                            "would go on with more updates; a zigzag asks for a smaller meta learning rate."
                          : "");
    page.body += "</div>\n";
  }
  page.body += rehearsal_section(run.folder);
  page.body += forecast_section(run) + updates_section(run) + cost_section(run.summary);
  page.body += settings_section(run.config, run.meta);
  return html_of(page);
}

}  // namespace

std::string report_page(const RunRecord& run) {
  try {
    return run_page(run);
  } catch (const nlohmann::json::exception& error) {
    fail<DataError>("[runs] {}: {}", run.folder.string(), printable(error.what()));
  }
}

void write_report(const std::filesystem::path& run_folder) {
  const Json summary = read_json(run_folder / "summary.json");
  const std::string page = is_comparison(summary) ? comparison_page(run_folder) : report_page(read_run(run_folder));
  write_file_atomically((run_folder / "report.html").string(), page);
}

void write_live_report(const std::filesystem::path& run_folder, const std::string& file, const Standing& standing) {
  const double left = standing.seconds_left();
  Json summary{{"estimator", standing.estimator},
               {"standing", fmt::format("The run goes on: at {:%H:%M:%S} UTC {} of {} steps were done{}.",
                                        fmt::gmtime(std::time(nullptr)), standing.done, standing.total,
                                        std::isnan(left) ? "" : fmt::format(", {} were left", time_left(left)))}};
  if (standing.scored) summary["val"] = written(standing.validation);
  const RunRecord run = parse_run(run_folder, [&](const char* name) {
    return std::string_view(name) == "summary.json" ? json_dump(summary)
                                                    : read_file((run_folder / name).string(), most_run_bytes);
  });
  write_file_atomically(file, report_page(run));
}

void write_missing_report(const std::filesystem::path& run_folder) {
  const std::string file = (run_folder / "report.html").string();
  const bool whole =
      std::filesystem::exists(file) && read_file(file).find("<meta http-equiv=\"refresh\"") == std::string::npos;
  if (!whole) write_report(run_folder);
}

}  // namespace glocal::app

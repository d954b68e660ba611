#include <glocal/app/report/rehearsals.h>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/read_run.h>
#include <glocal/app/report/html.h>
#include <glocal/app/report/plot.h>
#include <glocal/app/settings/options.h>

namespace glocal::app {
namespace {

struct Tried {
  std::int64_t steps = 0, schedule = 0;
  double lr = 0, loss = std::numeric_limits<double>::quiet_NaN();  // no loss: it diverged
  bool check() const { return steps < schedule; }                  // the first steps of the run itself
};

std::vector<Tried> tried_in(const Json& rehearsal) {
  std::vector<Tried> all;
  for (const Json& trial : rehearsal.at("trials")) {
    Tried one{trial.at("steps").get<std::int64_t>(), trial.at("schedule").get<std::int64_t>()};
    if (!trial.at("lr").is_null()) one.lr = trial["lr"].get<double>();
    if (!trial.at("loss").is_null()) one.loss = trial["loss"].get<double>();
    all.push_back(one);
  }
  return all;
}

std::string what(const Tried& one) {
  if (one.steps == 0) return "before training";
  return one.check() ? fmt::format("the first {} of the run's {}", one.steps, one.schedule)
                     : fmt::format("{} in all", one.steps);
}

}  // namespace

Plot rehearsal_plot(const Json& rehearsal) {
  constexpr std::array<Paint, 4> paints{Paint::blue, Paint::orange, Paint::green, Paint::purple};
  Plot plot{"Loss after each rehearsal", {"learning rate", true}, {"validation loss", true}, {}};
  std::map<std::int64_t, std::vector<std::array<double, 2>>> curves;
  std::vector<std::array<double, 2>> checks;
  for (const Tried& one : tried_in(rehearsal))
    if (one.steps > 0 && std::isfinite(one.loss))
      (one.check() ? checks : curves[one.steps]).push_back({one.lr, one.loss});
  std::size_t drawn = 0;
  for (auto& [steps, points] : curves) {
    std::ranges::sort(points);
    const Paint paint = paints[drawn++ % paints.size()];
    plot.series.push_back({fmt::format("{} steps", steps), paint, Series::Style::line, points});
    plot.series.push_back({"", paint, Series::Style::dots, points});
  }
  if (!checks.empty())
    plot.series.push_back({"the run's first steps", Paint::grey, Series::Style::rings, std::move(checks)});
  if (rehearsal.contains("lr")) {
    const double lr = rehearsal["lr"].get<double>();
    double low = std::numeric_limits<double>::infinity(), high = 0;
    for (const auto& [steps, points] : curves)
      for (const auto& point : points) low = std::min(low, point[1]), high = std::max(high, point[1]);
    if (high > 0)
      plot.series.push_back({"chosen for the run", Paint::ink, Series::Style::dashed, {{lr, low}, {lr, high}}});
  }
  return plot;
}

std::string rehearsal_section(const std::filesystem::path& run_folder) {
  if (!std::filesystem::exists(run_folder / "rehearsal.json")) return "";
  const Json rehearsal = read_json(run_folder / "rehearsal.json");
  std::string out = "<h2>The learning rate, found in rehearsals</h2>\n";
  if (rehearsal.contains("lr"))
    out += fmt::format(
        "<p>Chosen: {:.4g}; {:.3g} to {:.3g} are as good within 2 % of the loss of a rehearsal. The best rate falls "
        "with the length of a run as length<sup>-{:.2g}</sup>, and so was carried from {} steps to the whole run.{}{}"
        "</p>\n",
        rehearsal["lr"].get<double>(), rehearsal.at("low").get<double>(), rehearsal.at("high").get<double>(),
        rehearsal.at("exponent").get<double>(), rehearsal.at("rehearsal_steps").get<std::int64_t>(),
        rehearsal.at("ceiling_met").get<bool>() ? " Rehearsals ended when they had taken half of the run's steps." : "",
        rehearsal.at("plateau").get<bool>() ? " None of them left the loss of the start: the rate is a guess." : "");
  out += "<div class=\"grid\">\n" +
         figure(rehearsal_plot(rehearsal), "rehearsals",
                "Each point is a run of so many steps under the whole run's schedule, compressed. A curve with a clear "
                "lowest point is good; one that falls to the edge of what was tried is not. Runs that diverged are in "
                "the table only.") +
         "</div>\n";
  Table table{{"steps", "learning rate", "validation loss"}, {}};
  for (const Tried& one : tried_in(rehearsal))
    table.rows.push_back({what(one), one.steps == 0 ? "" : fmt::format("{:.4g}", one.lr),
                          std::isnan(one.loss) ? "diverged" : fmt::format("{:.4f}", one.loss)});
  return out + html_of(table);
}

}  // namespace glocal::app

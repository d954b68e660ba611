// What does one outer update cost as the number of parameters P, of hyperparameters q, the horizon T and the block tau
// grow? The best of a few runs each, the exponent fitted to the upper half of the sizes, and the theory's.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/memory.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/progress.h>
#include <glocal/train/experiment.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_cost;
}

namespace glocal::app {
namespace {

struct Point {
  double size = 0, seconds = 0, bytes = 0;
};

// One outer update from s_0. Processor time, of all threads: other programs disturb it less than the clock on the wall.
Point measure(const Options& options, const std::string& estimator, std::int64_t repeats) {
  const train::Experiment experiment(options.experiment);
  const Vars phi = experiment.phi();
  const auto made = hpo::make_estimator(estimator, options.tuning.estimator_options);
  Point best{0, INFINITY, 0};
  for (std::int64_t r = 0; r <= repeats; ++r) {  // the first one warms up
    throw_if_interrupted();
    hpo::Progress progress{experiment.problem().init(phi), {}, 0, options.tuning.T};
    reset_peak_memory();
    const std::int64_t before = memory_use().live_bytes;
    const std::clock_t start = std::clock();
    made->advance(experiment.problem(), phi, progress);
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    if (r > 0) best.seconds = std::min(best.seconds, seconds);
    best.bytes = static_cast<double>(memory_use().peak_bytes - before);
  }
  return best;
}

// Slope of log y against log x over the upper half of the points, three at least.
double exponent(const std::vector<Point>& points, double Point::*y) {
  const std::size_t used = std::max<std::size_t>(std::min<std::size_t>(3, points.size()), points.size() / 2);
  double mx = 0, my = 0, above = 0, below = 0;
  const std::vector<Point> last(points.end() - static_cast<std::ptrdiff_t>(used), points.end());
  for (const Point& p : last) {
    mx += std::log(p.size) / static_cast<double>(used);
    my += std::log(p.*y) / static_cast<double>(used);
  }
  for (const Point& p : last) {
    above += (std::log(p.size) - mx) * (std::log(p.*y) - my);
    below += (std::log(p.size) - mx) * (std::log(p.size) - mx);
  }
  return above / below;
}

// Exponents of time and memory by the counts of docs/method.md, for large sizes.
std::array<const char*, 2> theory(const std::string& estimator, const std::string& grows) {
  const bool forward = estimator != "global";
  if (grows == "P") return {"1", "1"};
  if (grows == "q") return forward ? std::array{"1", "1"} : std::array{"0", "0"};
  if (grows == "T") return forward ? std::array{"0", "0"} : std::array{"1", "1/2"};
  return forward ? std::array{"1", "0"} : std::array{"0", "0"};
}

// All q knots of the schedule act within the block when that is the whole run.
Json change(const std::string& grows, std::int64_t size, std::int64_t tau) {
  if (grows == "P") return {{"hidden", {size}}};
  if (grows == "q") return {{"knots", size}, {"steps", tau}};
  if (grows == "T") return {{"steps", size}};
  return {{"block", size}, {"steps", 2 * size}};
}

Findings run(const Lab& lab) {
  const auto repeats = lab.sweep<std::int64_t>("repeats");
  if (repeats < 1) fail<ValueError>("[reproduce] cost: repeats = {} must be at least 1", repeats);
  const auto estimators = lab.sweep<std::vector<std::string>>("estimators");
  const std::int64_t tau = lab.options().tuning.estimator_options.tau;
  Findings findings;
  TitledTable times{"One outer update: milliseconds of processor time, and megabytes of tensors at the most",
                    {{"what grows"}}};
  TitledTable growth{"Exponents fitted to the largest sizes, and the theory's",
                     {{"estimator", "grows", "time", "theory", "memory", "theory"}}};
  times.rows.front().insert(times.rows.front().end(), estimators.begin(), estimators.end());
  for (const char* grows : {"P", "q", "T", "tau"}) {
    const auto sizes = lab.sweep<std::vector<std::int64_t>>(grows);
    if (sizes.size() < 2) fail<ValueError>("[reproduce] cost: {} needs at least two sizes", grows);
    Plot plot{fmt::format("Time of one outer update as {} grows", grows),
              {grows, true},
              {"milliseconds of processor time", true},
              {}};
    std::map<std::string, std::vector<Point>> found;
    for (const std::int64_t size : sizes) {
      const Options options = lab.options(change(grows, size, tau));
      const double at = std::string_view(grows) == "P"
                            ? static_cast<double>(train::Experiment(options.experiment).model().parameter_count())
                            : static_cast<double>(size);
      std::vector<std::string> line{fmt::format("{} = {:.0f}", grows, at)};
      for (const std::string& estimator : estimators) {
        if (estimator == "global" && std::string_view(grows) == "tau") {
          line.push_back("-");
          continue;
        }
        Point point = measure(options, estimator, repeats);
        point.size = at;
        found[estimator].push_back(point);
        line.push_back(fmt::format("{:.1f} ms, {:.1f} MB", 1e3 * point.seconds, 1e-6 * point.bytes));
        findings.rows.push_back({{"grows", grows},
                                 {"size", at},
                                 {"estimator", estimator},
                                 {"seconds", point.seconds},
                                 {"bytes", point.bytes}});
        lab.say(fmt::format("{}, {}: {}", line.front(), estimator, line.back()));
      }
      times.rows.push_back(line);
    }
    for (const std::string& estimator : estimators) {
      if (!found.contains(estimator)) continue;
      const std::vector<Point>& points = found[estimator];
      const auto expected = theory(estimator, grows);
      const double time = exponent(points, &Point::seconds), memory = exponent(points, &Point::bytes);
      findings.rows.push_back(
          {{"grows", grows}, {"estimator", estimator}, {"time_exponent", time}, {"memory_exponent", memory}});
      growth.rows.push_back(
          {estimator, grows, fmt::format("{:.2f}", time), expected[0], fmt::format("{:.2f}", memory), expected[1]});
      Series series{estimator, paint_of(estimator), Series::Style::line, {}};
      for (const Point& p : points) series.points.push_back({p.size, 1e3 * p.seconds});
      plot.series.push_back(std::move(series));
    }
    findings.plots.push_back(std::move(plot));
  }
  findings.tables = {growth, times};
  return findings;
}

}  // namespace

Study cost() { return study_of("cost", embedded::reproduce_cost, run); }

}  // namespace glocal::app

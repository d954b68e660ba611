#include <glocal/app/report/figures.h>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/run_record.h>
#include <glocal/app/report/html.h>
#include <glocal/app/report/plot.h>

namespace glocal::app {
namespace {

using Style = Series::Style;

bool all_positive(const std::vector<Series>& series) {
  for (const Series& one : series)
    for (const auto& point : one.points)
      if (!(point[1] > 0)) return false;
  return true;
}

std::string fell_from(const std::string& what, const Curve& curve) {
  if (curve.size() < 2) return what + " over training";
  const double first = curve.front()[1], last = curve.back()[1];
  return fmt::format("{} {} from {} to {}", what, last < first ? "fell" : "rose", number_text(first),
                     number_text(last));
}

Curve value_curve(const RunRecord& run, std::size_t k, double Spread::*of = &Spread::median) {
  Curve curve;
  for (const UpdateRecord& update : run.updates)
    curve.push_back({static_cast<double>(update.index + 1), update.values.at(k).*of});
  return curve;
}

bool is_spread(const RunRecord& run, std::size_t k) {
  return std::ranges::any_of(run.updates, [k](const UpdateRecord& update) { return !update.values.at(k).one(); });
}

Curve in_percent(Curve curve) {
  for (auto& point : curve) point[1] *= 100;
  return curve;
}

// The mean over curves at every x that all of them have.
Curve mean_of(const std::vector<Curve>& curves) {
  std::map<double, std::pair<double, std::size_t>> sums;
  for (const Curve& curve : curves) {
    for (const auto& [x, y] : curve) {
      sums[x].first += y;
      ++sums[x].second;
    }
  }
  Curve mean;
  for (const auto& [x, sum] : sums)
    if (sum.second == curves.size()) mean.push_back({x, sum.first / static_cast<double>(sum.second)});
  return mean;
}

template <class CurveOf>
std::vector<Series> overlay(const std::vector<RunGroup>& groups, CurveOf&& curve_of) {
  std::vector<Series> thin, bold;
  for (const RunGroup& group : groups) {
    std::vector<Curve> curves;
    for (const RunRecord& run : group.runs) curves.push_back(curve_of(run));
    const Paint paint = paint_of(group.estimator);
    if (curves.size() > 1)
      for (const Curve& curve : curves) thin.push_back({"", paint, Style::faint, curve});
    bold.push_back({group.estimator, paint, Style::line, mean_of(curves)});
  }
  thin.insert(thin.end(), bold.begin(), bold.end());
  return thin;
}

// Room for the block and for what is used, but not for a forecast that runs away.
std::array<double, 2> readable_range(const Curve& block, double used, const Curve& forecast) {
  double low = used, high = used;
  for (const auto& point : block) {
    low = std::min(low, point[1]);
    high = std::max(high, point[1]);
  }
  const double size = std::max(high - low, 1e-3 * std::max(std::abs(low), std::abs(high)));
  const double floor = low - size, roof = high + size;
  for (const auto& point : forecast) {
    low = std::min(low, std::max(point[1], floor));
    high = std::max(high, std::min(point[1], roof));
  }
  const double space = std::max(0.06 * (high - low), 1e-12);
  return {low - space, high + space};
}

constexpr Paint order_paints[] = {Paint::sky, Paint::blue, Paint::ink};

double largest_modulus(const std::vector<Series>& sets) {
  double largest = 0;
  for (const Series& set : sets)
    for (const auto& [x, y] : set.points) largest = std::max(largest, std::hypot(x, y));
  return largest;
}

Paint paint_of_order(std::size_t i, std::size_t count) {
  return order_paints[count == 1 ? 1 : std::min<std::size_t>(i, 2)];
}

}  // namespace

bool is_search(const RunRecord& run) { return run.updates.size() > 1 && !run.updates.back().tried.empty(); }

Plot loss_plot(const RunRecord& run) {
  Plot plot{.title = fell_from("Validation loss", run.val_loss), .x = {"step"}, .y = {"loss", true}, .series = {}};
  plot.series.push_back({"training batch", Paint::grey, Style::thin, run.train_loss});
  plot.series.push_back({"validation", paint_of(run.estimator), Style::line, run.val_loss});
  return plot;
}

Plot accuracy_plot(const RunRecord& run) {
  const Curve curve = in_percent(run.val_accuracy);
  const std::string title =
      curve.empty() ? "Validation accuracy" : fmt::format("Validation accuracy ended at {:.2f} %", curve.back()[1]);
  return {.title = title,
          .x = {"step"},
          .y = {"accuracy in %"},
          .series = {{"validation", paint_of(run.estimator), Style::line, curve},
                     {"", paint_of(run.estimator), Style::dots, curve}}};
}

Plot value_plot(const RunRecord& run, std::size_t k) {
  const Curve curve = value_curve(run, k);
  Series fell_back{"fell back", Paint::vermillion, Style::rings, {}};
  for (const UpdateRecord& update : run.updates)
    if (update.fell_back)
      fell_back.points.push_back({static_cast<double>(update.index + 1), update.values.at(k).median});
  const std::optional<std::size_t> kept = kept_update(run);
  const std::array<double, 2> end = kept ? curve.at(*kept) : curve.back();
  Plot plot{.title = fmt::format("{} went from {} to {}", run.names.at(k), number_text(curve.front()[1]),
                                 number_text(end[1])),
            .x = {"outer update"},
            .y = {run.names.at(k)},
            .series = {{"", paint_of(run.estimator), Style::line, curve},
                       {"after the update", paint_of(run.estimator), Style::dots, curve},
                       fell_back}};
  if (kept) plot.series.push_back({"kept", Paint::ink, Style::rings, {end}});
  if (is_search(run)) {
    plot.x.label = "trial";
    plot.series = {{"best so far", paint_of(run.estimator), Style::line, curve},
                   {"tried", Paint::ink, Style::rings, {}},
                   {"diverged", Paint::vermillion, Style::crosses, {}}};
    for (const UpdateRecord& update : run.updates)
      if (!update.tried.empty())
        plot.series[std::isnan(update.outer) ? 2 : 1].points.push_back(
            {static_cast<double>(update.index + 1), update.tried.at(k).median});
  }
  if (is_spread(run, k)) {  // of a vector: the median above, and around it
    plot.title = "The median of " + plot.title;
    const auto add = [&](const char* name, Style style, double Spread::*of) {
      plot.series.push_back({name, paint_of(run.estimator), style, value_curve(run, k, of)});
    };
    add("quartiles", Style::dashed, &Spread::lower);
    add("", Style::dashed, &Spread::upper);
    add("least and largest", Style::dotted, &Spread::least);
    add("", Style::dotted, &Spread::largest);
  }
  plot.y.log = all_positive(plot.series);
  return plot;
}

Plot trajectory_plot(const RunRecord& run, const UpdateRecord& update, std::size_t k) {
  const Curve& block = update.trajectory.at(k);
  const double used = update.drawn.at(k);
  Plot plot{.title = fmt::format("{}, update {}", run.drawn.at(k), update.index + 1),
            .x = {"step of training"},
            .y = {},
            .series = {{"h in the block", Paint::ink, Style::line, block}}};
  Curve forecast;
  if (k < update.forecast.size()) forecast = update.forecast[k];
  if (!forecast.empty()) {
    plot.title += update.fell_back ? ": rejected" : ": used";
    plot.series.push_back(update.fell_back ? Series{"forecast (rejected)", Paint::grey, Style::dotted, forecast}
                                           : Series{"forecast", Paint::blue, Style::dashed, forecast});
  }
  const bool at_end = forecast.empty() || update.fell_back;
  plot.series.push_back(
      {"h used", Paint::vermillion, Style::rings, {{at_end ? block.back()[0] : forecast.back()[0], used}}});
  plot.y.range = readable_range(block, used, forecast);
  plot.small = true;
  return plot;
}

Series eigenvalue_points(const std::string& label, Paint paint, Style style,
                         const std::vector<std::complex<double>>& eigenvalues) {
  Series points{label, paint, style, {}};
  for (const auto& lambda : eigenvalues) points.points.push_back({lambda.real(), lambda.imag()});
  return points;
}

Plot eigenvalue_plane(const std::string& title, std::vector<Series> sets) {
  const double largest = largest_modulus(sets), edge = largest > 1.1 ? 1.06 * largest : 1.12;
  Plot plot{
      .title = title, .x = {"real part"}, .y = {"imaginary part"}, .series = std::move(sets), .unit_circle = true};
  plot.x.range = plot.y.range = {{-edge, edge}};
  return plot;
}

Plot eigenvalue_plot(const std::vector<UpdateRecord>& updates) {
  std::vector<Series> sets;
  for (std::size_t i = 0; i < updates.size(); ++i)
    sets.push_back(eigenvalue_points(fmt::format("update {}", updates[i].index + 1), paint_of_order(i, updates.size()),
                                     i == 0 ? Style::rings : Style::dots, updates[i].eigenvalues));
  return eigenvalue_plane(fmt::format("The largest DMD eigenvalue has |λ| = {:.4f}", largest_modulus(sets)), sets);
}

Plot singular_value_plot(const std::vector<UpdateRecord>& updates) {
  Plot plot{.title = "How many modes the block's data hold",
            .x = {"index"},
            .y = {"singular value / largest", true},
            .series = {}};
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const std::vector<double>& values = updates[i].singular_values;
    Series line{"", paint_of_order(i, updates.size()), Style::thin, {}};
    for (std::size_t k = 0; k < values.size(); ++k)
      if (values[k] > 1e-17 * values[0]) line.points.push_back({static_cast<double>(k + 1), values[k] / values[0]});
    Series kept{
        fmt::format("update {}, rank {:.0f} kept", updates[i].index + 1, updates[i].rank), line.paint, Style::dots, {}};
    for (const auto& point : line.points)
      if (point[0] <= updates[i].rank) kept.points.push_back(point);
    plot.series.push_back(std::move(line));
    plot.series.push_back(std::move(kept));
  }
  return plot;
}

std::vector<UpdateRecord> selected_updates(const RunRecord& run) {
  std::vector<UpdateRecord> all, some;
  std::copy_if(run.updates.begin(), run.updates.end(), std::back_inserter(all),
               [](const UpdateRecord& update) { return !update.trajectory.empty() && !update.hypergradient.empty(); });
  if (all.size() <= 3) return all;
  return {all.front(), all[all.size() / 2], all.back()};
}

Plot loss_overlay(const std::vector<RunGroup>& groups) {
  return {.title = "Validation loss while training",
          .x = {"step"},
          .y = {"loss", true},
          .series = overlay(groups, [](const RunRecord& run) { return run.val_loss; })};
}

Plot accuracy_overlay(const std::vector<RunGroup>& groups) {
  return {.title = "Validation accuracy while training",
          .x = {"step"},
          .y = {"accuracy in %"},
          .series = overlay(groups, [](const RunRecord& run) { return in_percent(run.val_accuracy); })};
}

Plot value_overlay(const std::vector<RunGroup>& groups, std::size_t k) {
  std::vector<RunGroup> tuned;
  std::copy_if(groups.begin(), groups.end(), std::back_inserter(tuned),
               [](const RunGroup& group) { return !group.runs.empty() && group.runs.front().updates.size() > 1; });
  const std::string name = tuned.empty() ? "" : tuned.front().runs.front().names.at(k);
  Plot plot{.title = "Where each estimator took " + name,
            .x = {"outer update"},
            .y = {name},
            .series = overlay(tuned, [k](const RunRecord& run) { return value_curve(run, k); })};
  plot.y.log = all_positive(plot.series);
  return plot;
}

Plot ratio_bars(const std::vector<std::string>& estimators, const std::vector<double>& ratios, const std::string& title,
                const std::string& unit) {
  Plot plot{.title = title, .x = {unit}, .y = {}, .series = {}, .categories = estimators};
  for (std::size_t i = 0; i < estimators.size(); ++i)
    plot.series.push_back({"", paint_of(estimators[i]), Style::bars, {{ratios[i], static_cast<double>(i)}}});
  double largest = 1;
  for (const double ratio : ratios) largest = std::isfinite(ratio) ? std::max(largest, ratio) : largest;
  plot.x.range = {{0, 1.15 * largest}};
  return plot;
}

}  // namespace glocal::app

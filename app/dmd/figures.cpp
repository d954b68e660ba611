#include <glocal/app/dmd/figures.h>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/app/dmd/policy.h>
#include <glocal/app/report/figures.h>
#include <glocal/app/report/plot.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/fit.h>

namespace glocal::app {
namespace {

using Style = Series::Style;

constexpr std::int64_t most_entries = 4, forecast_points = 400;
constexpr Paint entry_paints[] = {Paint::blue, Paint::orange, Paint::green, Paint::purple};

Plot series_panel(const Tensor& h, const hpo::DmdFit& fit, bool fell_back, double horizon) {
  Plot plot{.title = fell_back ? "The forecast was rejected" : "The forecast passed its test",
            .x = {"t"},
            .y = {"h"},
            .series = {}};
  const Tensor model = fit.reconstruct();
  const double end = std::max(horizon, static_cast<double>(fit.snapshots));
  for (std::int64_t k = 0; k < std::min(fit.amplitudes.cols, most_entries); ++k) {
    const Paint paint = entry_paints[k];
    const std::string of = fit.amplitudes.cols == 1 ? "" : fmt::format(" h{}", k + 1);
    Series data{"data" + of, paint, Style::dots, {}}, fitted{"fit" + of, Paint::ink, Style::thin, {}},
        future{"forecast" + of, paint, Style::dashed, {}};
    for (std::int64_t t = 0; t < fit.snapshots; ++t) {
      data.points.push_back({static_cast<double>(t), h.at(t * fit.amplitudes.cols + k)});
      fitted.points.push_back({static_cast<double>(t), model.at(t * fit.amplitudes.cols + k)});
    }
    const double start = static_cast<double>(fit.snapshots - 1);
    for (std::int64_t i = 0; i <= forecast_points; ++i) {
      const double t = std::round(start + (end - start) * static_cast<double>(i) / forecast_points);
      if (future.points.empty() || t > future.points.back()[0])
        future.points.push_back({t, fit.forecast(t)[static_cast<std::size_t>(k)]});
    }
    plot.series.insert(plot.series.end(), {data, fitted, future});
  }
  return plot;
}

Plot eigenvalue_panel(const hpo::DmdFit& fit) {
  const std::vector<MovedEigenvalue> all = eigenvalues_moved(fit);
  const auto moved =
      std::count_if(all.begin(), all.end(), [](const MovedEigenvalue& one) { return one.from != one.to; });
  return eigenvalue_plane(moved == 0 ? "Eigenvalues and the unit circle"
                                     : fmt::format("The policy moved {} of {} eigenvalues", moved, all.size()),
                          {eigenvalue_points("as fitted", Paint::grey, Style::rings, fit.fitted_eigenvalues),
                           eigenvalue_points("used", Paint::blue, Style::dots, fit.eigenvalues)});
}

Plot singular_value_panel(const hpo::DmdFit& fit) {
  Plot plot{.title = fmt::format("Rank {} of {} was kept", fit.rank, fit.singular_values.size()),
            .x = {"index"},
            .y = {"singular value", true},
            .series = {}};
  Series all{"", Paint::grey, Style::thin, {}}, kept{"kept", Paint::blue, Style::dots, {}},
      rest{"dropped", Paint::grey, Style::rings, {}};
  for (std::size_t i = 0; i < fit.singular_values.size(); ++i) {
    const double value = fit.singular_values[i];
    if (!(value > 0)) continue;
    const std::array point{static_cast<double>(i + 1), value};
    all.points.push_back(point);
    (static_cast<int>(i) < fit.rank ? kept : rest).points.push_back(point);
  }
  plot.series = {all, kept, rest};
  return plot;
}

Plot amplitude_panel(const hpo::DmdFit& fit) {
  Plot plot{.title = "The amplitude of each mode", .x = {"amplitude"}, .y = {}, .series = {}};
  Series bars{"", Paint::blue, Style::bars, {}};
  for (std::size_t k = 0; k < std::min<std::size_t>(fit.eigenvalues.size(), 10); ++k) {
    bars.points.push_back({mode_amplitude(fit, k), static_cast<double>(k)});
    const auto lambda = fit.eigenvalues[k];
    plot.categories.push_back(lambda.imag() == 0 ? fmt::format("{:.4f}", lambda.real())
                                                 : fmt::format("{:.3f} {:+.3f}i", lambda.real(), lambda.imag()));
  }
  if (!bars.points.empty()) plot.series = {bars};
  double largest = 0;
  for (const auto& point : bars.points) largest = std::max(largest, point[0]);
  if (largest > 0) plot.x.range = {{0, 1.18 * largest}};
  return plot;
}

}  // namespace

double mode_amplitude(const hpo::DmdFit& fit, std::size_t k) {
  double sum = 0;
  for (std::int64_t i = 0; i < fit.amplitudes.cols; ++i)
    sum += std::norm(fit.amplitudes(static_cast<std::int64_t>(k), i));
  return std::sqrt(sum);
}

std::vector<Plot> dmd_panels(const Tensor& h, const hpo::DmdFit& fit, bool fell_back, double horizon) {
  return {series_panel(h, fit, fell_back, horizon), eigenvalue_panel(fit), singular_value_panel(fit),
          amplitude_panel(fit)};
}

}  // namespace glocal::app

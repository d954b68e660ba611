#include <glocal/hpo/forecast/holdout.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/error_bar.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/forecast.h>

namespace glocal::hpo {
namespace {

// The numerical rank must be this much better than a small one on held-out data: fits of many modes follow a block of
// real training closely and then swing far away (measured; see docs/method.md).
constexpr double clearly_better = 0.01;

Tensor first_rows(const Tensor& h, std::int64_t count) {
  return Tensor::from(h.span<double>().first(static_cast<std::size_t>(count * h.dim(1))), {count, h.dim(1)});
}

// Root of the summed squares of prediction_t - h_t over the rows of h from `kept` on.
double error_beyond(const Tensor& h, std::int64_t kept, const Tensor& prediction) {
  const double *const truth = h.data<double>() + kept * h.dim(1), *const predicted = prediction.data<double>();
  double error = 0;
  for (std::int64_t i = 0; i < prediction.size(); ++i) error = std::hypot(error, predicted[i] - truth[i]);
  return error;
}

// The last snapshot kept, repeated.
Tensor persistence(const Tensor& h, std::int64_t kept) {
  const std::int64_t q = h.dim(1);
  Tensor out({h.dim(0) - kept, q}, DType::f64);
  for (std::int64_t i = 0; i < out.size(); ++i) out.data<double>()[i] = h.data<double>()[(kept - 1) * q + i % q];
  return out;
}

// One standard error of each entry at a distance: root mean squares over the rows held out, growing as its root.
std::vector<double> held_out_bar(const Tensor& h, std::int64_t kept, const Tensor& prediction, double distance) {
  const std::int64_t q = h.dim(1), back = h.dim(0) - kept;
  std::vector<double> out(static_cast<std::size_t>(q), 0.0);
  for (std::int64_t i = 0; i < back * q; ++i) {
    double& sum = out[static_cast<std::size_t>(i % q)];
    sum = std::hypot(sum, prediction.data<double>()[i] - h.data<double>()[kept * q + i]);
  }
  const auto count = static_cast<double>(back);
  for (double& e : out) e *= std::sqrt(std::max(1.0, 2 * distance / count) / count);
  return out;
}

std::vector<double> row(const Tensor& h, std::int64_t t) {
  const auto numbers =
      h.span<double>().subspan(static_cast<std::size_t>(t * h.dim(1)), static_cast<std::size_t>(h.dim(1)));
  return {numbers.begin(), numbers.end()};
}

}  // namespace

Forecast try_on_holdout(const Tensor& h, double target_t, const DmdOptions& options) {
  const DmdSeries series(h, options);
  Forecast out{{}, false, std::numeric_limits<double>::infinity(), fit_dmd(series, options.rank), {}};
  const std::int64_t tau = h.dim(0), kept = tau - std::max<std::int64_t>(1, tau / 4);
  Tensor said;
  if (kept >= 3) {
    out.test = words_of_test(kept, kept, tau, "less than", 1);
    const DmdSeries before(first_rows(h, kept), options);
    said = fit_dmd(before, options.rank).forecast_range(kept, tau);
    double error = error_beyond(h, kept, said);
    const int small = static_cast<int>(std::max<std::int64_t>(3, h.dim(1)));
    if (options.rank == 0 && options.time == DmdOptions::TimeAxis::linear && small < out.fit.rank) {
      const Tensor small_said = fit_dmd(before, small).forecast_range(kept, tau);
      const double small_error = error_beyond(h, kept, small_said);
      if (!(error < clearly_better * small_error)) {
        error = small_error;
        said = small_said;
        const int automatic = out.fit.rank;
        out.fit = fit_dmd(series, small);
        out.fit.note += fmt::format("{}rank {} instead of {}, which was not {:g} times closer on the hold-out",
                                    out.fit.note.empty() ? "" : "; ", out.fit.rank, automatic, 1 / clearly_better);
      }
    }
    const double to_beat = error_beyond(h, kept, persistence(h, kept));
    // A constant hold-out is persistence at its best; the forecast cannot win there.
    if (to_beat > 0) out.skill = error / to_beat;
  }
  out.note = out.fit.note;
  out.value = out.fit.forecast(target_t);
  const bool finite = std::all_of(out.value.begin(), out.value.end(), [](double v) { return std::isfinite(v); });
  out.fell_back = !(out.skill < 1) || !finite;
  if (out.fell_back) {
    out.value = row(h, tau - 1);
    const std::string why = kept < 3 ? fmt::format("{} snapshots are too few to hold some out", tau)
                            : finite ? fmt::format("hold-out error is {:.3g} times that of persistence", out.skill)
                                     : "the forecast is not finite";
    out.note += fmt::format("{}fell back to the last snapshot: {}", out.note.empty() ? "" : "; ", why);
  }
  out.weight = out.fell_back ? 0 : 1;
  if (!said) {
    out.error_bar.assign(out.value.size(), std::numeric_limits<double>::infinity());
    return out;
  }
  out.error_bar =
      held_out_bar(h, kept, out.fell_back ? persistence(h, kept) : said, target_t - static_cast<double>(tau - 1));
  return out;
}

void add_spread_of_fit(Forecast& forecast, double target_t) {
  if (forecast.fell_back) return;
  const std::vector<double> own = hpo::error_bar(forecast.fit, target_t);
  for (std::size_t j = 0; j < own.size(); ++j) forecast.error_bar[j] = std::hypot(forecast.error_bar[j], own[j]);
}

Forecast forecast_with_holdout(const Tensor& h, double target_t, const DmdOptions& options) {
  Forecast out = try_on_holdout(h, target_t, options);
  add_spread_of_fit(out, target_t);
  return out;
}

}  // namespace glocal::hpo

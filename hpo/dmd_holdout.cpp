// The trust test of a forecast: what would it have said about snapshots that were held back?
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <glocal/hpo/dmd.h>

namespace glocal::hpo {
namespace {

// The numerical rank must be this much better than a small one on held-out data: fits of many modes follow a block of
// real training closely and then swing far away (measured; see docs/method.md).
constexpr double clearly_better = 0.01;

Tensor first_rows(const Tensor& h, std::int64_t count) {
  return Tensor::from(h.span<double>().first(static_cast<std::size_t>(count * h.dim(1))), {count, h.dim(1)});
}

// Root of the summed squares of prediction(t) - h_t over the rows from `kept` on.
template <class F>
double error_beyond(const Tensor& h, std::int64_t kept, F&& prediction) {
  double error = 0;
  for (std::int64_t t = kept; t < h.dim(0); ++t) {
    const std::vector<double> predicted = prediction(t);
    for (std::int64_t i = 0; i < h.dim(1); ++i)
      error = std::hypot(error, predicted[static_cast<std::size_t>(i)] - h.at(t * h.dim(1) + i));
  }
  return error;
}

double forecast_error(const Tensor& h, std::int64_t kept, const DmdOptions& options) {
  const DmdFit trial = fit_dmd(first_rows(h, kept), options);
  return error_beyond(h, kept, [&](std::int64_t t) { return trial.forecast(static_cast<double>(t)); });
}

std::vector<double> row(const Tensor& h, std::int64_t t) {
  const auto numbers =
      h.span<double>().subspan(static_cast<std::size_t>(t * h.dim(1)), static_cast<std::size_t>(h.dim(1)));
  return {numbers.begin(), numbers.end()};
}

}  // namespace

Forecast forecast_with_holdout(const Tensor& h, double target_t, const DmdOptions& options) {
  Forecast out{{}, false, std::numeric_limits<double>::infinity(), fit_dmd(h, options), {}};
  const std::int64_t tau = h.dim(0), kept = tau - std::max<std::int64_t>(1, tau / 4);
  if (kept >= 3) {
    double error = forecast_error(h, kept, options);
    if (options.rank == 0 && options.time == DmdOptions::TimeAxis::linear) {
      DmdOptions small = options;
      small.rank = static_cast<int>(std::max<std::int64_t>(3, h.dim(1)));
      const double small_error = forecast_error(h, kept, small);
      if (small.rank < out.fit.rank && !(error < clearly_better * small_error)) {
        error = small_error;
        out.fit = fit_dmd(h, small);
      }
    }
    const double persistence = error_beyond(h, kept, [&](std::int64_t) { return row(h, kept - 1); });
    // A constant hold-out is persistence at its best; the forecast cannot win there.
    if (persistence > 0) out.skill = error / persistence;
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
  return out;
}

}  // namespace glocal::hpo

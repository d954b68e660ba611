#include <glocal/hpo/forecast/dmd_forecaster.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/error_bar.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/operator.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/forecast/forecaster.h>
#include <glocal/hpo/forecast/trial.h>

namespace glocal::hpo {
namespace {

// The numerical rank must be so many times better than a small one on what was held out: fits of many modes follow a
// block of real training closely and then swing far away (measured; see docs/method.md).
constexpr double clearly_better = 100;

struct Operator final : Fitted {
  DmdFit fit;
  explicit Operator(DmdFit f) : fit(std::move(f)) {}
  std::vector<double> at(double t) const override { return fit.forecast(t); }
  Tensor range(std::int64_t begin, std::int64_t end) const override { return fit.forecast_range(begin, end); }
  std::vector<double> error_bar(double t, const std::vector<double>&) const override { return hpo::error_bar(fit, t); }
  std::string note() const override { return fit.note; }
  bool grows() const override { return fit.unstable; }
};

// Fits of one series that differ in rank and in the snapshots read share what they have in common.
class Fits {
 public:
  explicit Fits(const DmdOptions& options) : options_(options) {}
  std::shared_ptr<const Operator> operator()(const Known& known, int rank) {
    const std::int64_t tau = known.h.dim(0);
    std::shared_ptr<const Operator>& fit = fits_[{tau, rank}];
    if (!fit)
      fit = std::make_shared<const Operator>(
          fit_dmd(series(known.data.series.empty() ? DmdData(known.h) : known.data), rank));
    return fit;
  }
  const DmdSeries& series(const DmdData& data) {
    std::optional<DmdSeries>& made = series_[data.series.empty() ? 0 : data.series[0].dim(0)];
    if (!made) made = dmd_series(data, options_);
    return *made;
  }

 private:
  DmdOptions options_;
  std::map<std::int64_t, std::optional<DmdSeries>> series_;
  std::map<std::pair<std::int64_t, int>, std::shared_ptr<const Operator>> fits_;
};

Forecaster by_rank(std::string name, const std::shared_ptr<Fits>& fits, int rank, double handicap) {
  return {std::move(name), [fits, rank](const Known& known) { return (*fits)(known, rank); }, handicap};
}

// `share` of tau snapshots held out, the last ones; none where fewer than three were left.
void add_hold_out(Test& test, std::int64_t tau, double share) {
  const std::int64_t kept =
      tau - std::max<std::int64_t>(1, static_cast<std::int64_t>(share * static_cast<double>(tau)));
  if (kept >= 3) test.hold_outs.push_back({kept, kept});
}

}  // namespace

std::shared_ptr<const DmdFit> dmd_of(const Forecast& forecast) {
  const auto fitted = std::dynamic_pointer_cast<const Operator>(forecast.model);
  return fitted ? std::shared_ptr<const DmdFit>(fitted, &fitted->fit) : nullptr;
}

Forecast forecast_dmd(const Tensor& h, double target_t, const DmdOptions& options, Doubt doubt) {
  const Known known{h};
  const auto fits = std::make_shared<Fits>(options);
  const int automatic = (*fits)(known, options.rank)->fit.rank;  // throws for series that cannot be read
  const int few = static_cast<int>(std::max<std::int64_t>(3, h.dim(1)));
  const bool choose = options.rank == 0 && options.time == DmdOptions::TimeAxis::linear && few < automatic;
  std::vector<Forecaster> forecasters{
      by_rank(fmt::format("rank {}", automatic), fits, options.rank, choose ? clearly_better : 1)};
  if (choose) forecasters.push_back(by_rank(fmt::format("rank {}", few), fits, few, 1));
  Test test;
  add_hold_out(test, h.dim(0), 0.25);
  return forecast(known, target_t, forecasters, test, doubt);
}

double least_skill(const Tensor& h) {
  constexpr std::int64_t lags = 6;
  const std::int64_t tau = h.dim(0), q = h.dim(1), rows = tau - lags, back = tau / 4;
  const auto numbers = h.span<double>();
  if (tau < 4 * lags || !std::all_of(numbers.begin(), numbers.end(), [](double v) { return std::isfinite(v); }))
    return 0;  // a fit has the last word
  const double* const data = h.data<double>();
  double innovation = 0, persistence = 0;
  for (std::int64_t k = 0; k < q; ++k) {
    Tensor lagged({rows, lags + 1}, DType::f64);  // h_k at t .. t + lags
    for (std::int64_t i = 0; i < lagged.size(); ++i)
      lagged.data<double>()[i] = data[(i / (lags + 1) + i % (lags + 1)) * q + k];
    innovation = std::hypot(innovation, solve(lagged, lags).residual);
    for (std::int64_t t = tau - back; t < tau; ++t)
      persistence = std::hypot(persistence, data[t * q + k] - data[(tau - back - 1) * q + k]);
  }
  innovation *= std::sqrt(static_cast<double>(back) / static_cast<double>(rows - lags));
  return innovation > 0 ? innovation / persistence : 0;
}

Forecast forecast_auto(const DmdData& data, double target_t, const std::vector<DmdCandidate>& candidates,
                       const DmdTrust& trust) {
  if (candidates.empty()) fail<ValueError>("[dmd] there is no candidate; give at least one");
  if (!(trust.to_beat > 0) || trust.held_back.empty())
    fail<ValueError>("[dmd] trust needs to_beat > 0 and a share to hold back");
  std::vector<Forecaster> forecasters;
  std::shared_ptr<Fits> first;
  for (const auto& [name, options] : candidates) {
    const auto fits = std::make_shared<Fits>(options);
    if (!first) first = fits;
    forecasters.push_back(by_rank(name, fits, options.rank, 1));
  }
  const Known known{first->series(data).target(), data};  // throws for data that no candidate can read
  const std::int64_t tau = known.h.dim(0);
  for (const Tensor& other : data.series)
    if (other.dim(0) != tau)
      fail<ShapeError>("[dmd] series of {} and {} snapshots; a trial needs one length", tau, other.dim(0));
  Test test{.to_beat = trust.to_beat, .each_entry = true};
  for (const double share : trust.held_back) {
    if (!(share > 0 && share < 1)) fail<ValueError>("[dmd] the share held back must be in (0, 1), got {}", share);
    add_hold_out(test, tau, share);
  }
  Forecast out = forecast(known, target_t, forecasters, test, Doubt::choice, trust.shrink);
  out.note = fmt::format("{} of {} candidates: {}{}{}", out.chosen + 1, candidates.size(), candidates[out.chosen].name,
                         out.note.empty() ? "" : "; ", out.note);
  return out;
}

std::vector<DmdCandidate> default_candidates(std::int64_t q) {
  using TimeAxis = DmdOptions::TimeAxis;
  const int few = static_cast<int>(std::max<std::int64_t>(3, q));
  DmdOptions o;
  std::vector<DmdCandidate> out{{"powers of t, one for each entry", o}};
  out[0].options.time = TimeAxis::logarithmic;
  o.policy = DmdOptions::Policy::snap;
  out.push_back({"least squares, automatic rank", o});
  o.rank = few;
  out.push_back({"least squares, few modes", o});
  o.method = "total-least-squares";
  out.push_back({"total least squares, few modes", o});
  o.method = "optimised";
  out.push_back({"optimised, few modes", o});
  o.rank = 2;
  o.time = TimeAxis::log_grid;
  o.bins = 16;
  out.push_back({"two powers of t, optimised", o});
  return out;
}

}  // namespace glocal::hpo

// Extrapolation of a series of local hypergradients: Hankel DMD of tau snapshots of q = 3 numbers, 10 delays; and the
// error bar of a fit to many numbers.
#include <fmt/format.h>

#include <cmath>

#include <glocal/core/random.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/error_bar.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>

#include "row.h"

namespace glocal::bench {
namespace {

Tensor series_of(std::int64_t tau, std::int64_t q = 3) {
  Tensor series = normal(key(4), {tau, q}, 0, 1e-4, DType::f64);  // noise, and on it modes that decay and swing
  for (std::int64_t t = 0; t < tau; ++t) {
    for (std::int64_t k = 0; k < q; ++k) {
      series.data<double>()[t * q + k] += std::pow(0.97 - 0.01 * double(k % 3), double(t)) +
                                          std::exp(-double(t) / 60) * std::cos(double(t) / double(9 + k % 3));
    }
  }
  return series;
}

Row extrapolation(std::int64_t tau) {
  const Tensor series = series_of(tau);
  const auto forecast = [series](double t) {
    return hpo::fit_dmd(series, {.delays = 10, .policy = hpo::DmdOptions::Policy::clip}).forecast(t);
  };
  Row row;
  row.problem = {{"series", series}};
  row.step = [forecast] { forecast(1000); };
  row.answer = [forecast, tau] { return forecast(double(tau + 10)); };
  return row;
}

// Other fits of 100 snapshots: an answer of each is its forecast ten steps ahead.
Row variant(hpo::DmdOptions options) {
  const Tensor series = series_of(100);
  options.policy = hpo::DmdOptions::Policy::clip;
  Row row;
  row.problem = {{"series", series}};
  row.step = [series, options] { hpo::fit_dmd(series, options).forecast(1000); };
  row.answer = [series, options] { return hpo::fit_dmd(series, options).forecast(110); };
  return row;
}

Row error_bar(std::int64_t q) {
  const Tensor series = series_of(100, q);
  const auto fit = hpo::fit_dmd(series, {.rank = 9, .policy = hpo::DmdOptions::Policy::clip});
  Row row;
  row.problem = {{"series", series}};
  row.step = [fit] { hpo::error_bar(fit, 1000); };
  row.answer = [fit] { return hpo::error_bar(fit, 110); };
  return row;
}

Row automatic() {
  const Tensor series = series_of(100);
  const auto forecast = [series](double t) { return hpo::forecast_auto(series, t, hpo::default_candidates(3)).value; };
  Row row;
  row.problem = {{"series", series}};
  row.step = [forecast] { forecast(1000); };
  row.answer = [forecast] { return forecast(110); };
  return row;
}

}  // namespace

void add_extrapolation(Rows& rows) {
  for (const std::int64_t tau : {100, 250, 500, 1000, 2000, 4000, 8000})
    rows[fmt::format("dmd/tau{}", tau)] = [tau] { return extrapolation(tau); };
  using TimeAxis = hpo::DmdOptions::TimeAxis;
  rows["dmd/total_least_squares"] = [] { return variant({.method = "total-least-squares"}); };
  rows["dmd/forward_backward"] = [] { return variant({.method = "forward-backward"}); };
  rows["dmd/optimised"] = [] { return variant({.method = "optimised"}); };
  rows["dmd/power"] = [] { return variant({.time = TimeAxis::logarithmic}); };
  rows["dmd/log_grid"] = [] { return variant({.rank = 2, .time = TimeAxis::log_grid, .bins = 16}); };
  rows["dmd/auto"] = automatic;
  for (const std::int64_t q : {500, 1000, 2000, 4000})
    rows[fmt::format("dmd/error_bar/q{}", q)] = [q] { return error_bar(q); };
}

}  // namespace glocal::bench

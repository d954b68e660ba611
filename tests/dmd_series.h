// Series with a known end for the tests of DMD: their snapshots, and how far a forecast is from them.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/fit.h>

using Series = std::function<double(double)>;  // one entry h(t)

// (tau, q) snapshots of q entries, plus noise of the given deviation.
inline glocal::Tensor snapshots(std::int64_t tau, const std::vector<Series>& entries, double noise = 0,
                                std::uint64_t seed = 0) {
  const auto q = static_cast<std::int64_t>(entries.size());
  glocal::Tensor h = glocal::normal(glocal::key(seed), {tau, q}, 0, noise, glocal::DType::f64);
  for (std::int64_t t = 0; t < tau; ++t)
    for (std::int64_t i = 0; i < q; ++i)
      h.data<double>()[t * q + i] += entries[static_cast<std::size_t>(i)](static_cast<double>(t));
  return h;
}

// Largest forecast error at the indices, relative to the scale of the series.
inline double forecast_error(const glocal::hpo::DmdFit& fit, const std::vector<Series>& entries,
                             const std::vector<double>& at) {
  double worst = 0;
  for (const double t : at)
    for (std::size_t i = 0; i < entries.size(); ++i)
      worst = std::max(worst, std::abs(fit.forecast(t)[i] - entries[i](t)) / fit.scale);
  return worst;
}

// Extrapolation of a series of local hypergradients: Hankel DMD of tau snapshots of q = 3 numbers, 10 delays.
#include <fmt/format.h>

#include <cmath>

#include <glocal/core/random.h>
#include <glocal/hpo/dmd.h>

#include "row.h"

namespace glocal::bench {
namespace {

Row extrapolation(std::int64_t tau) {
  const std::int64_t q = 3;
  Tensor series = normal(key(4), {tau, q}, 0, 1e-4, DType::f64);  // noise, and on it modes that decay and swing
  for (std::int64_t t = 0; t < tau; ++t) {
    for (std::int64_t k = 0; k < q; ++k) {
      series.data<double>()[t * q + k] += std::pow(0.97 - 0.01 * double(k), double(t)) +
                                          std::exp(-double(t) / 60) * std::cos(double(t) / double(9 + k));
    }
  }
  const auto forecast = [series](double t) {
    return hpo::fit_dmd(series, {.delays = 10, .policy = hpo::DmdOptions::Policy::clip}).forecast(t);
  };
  Row row;
  row.problem = {{"series", series}};
  row.step = [forecast] { forecast(1000); };
  row.answer = [forecast, tau] { return forecast(double(tau + 10)); };
  return row;
}

}  // namespace

void add_extrapolation(Rows& rows) {
  for (const std::int64_t tau : {100, 250, 500, 1000, 2000, 4000, 8000})
    rows[fmt::format("dmd/tau{}", tau)] = [tau] { return extrapolation(tau); };
}

}  // namespace glocal::bench

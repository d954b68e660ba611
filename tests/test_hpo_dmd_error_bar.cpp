// The error bar of a forecast against the covariance of all parameters at once, dense, and what it needs for many
// entries.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

#include <glocal/core/linalg/lapack.h>
#include <glocal/core/memory.h>
#include <glocal/core/random.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/error_bar.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>

using namespace glocal;
using namespace glocal::hpo;

namespace {

using Complex = std::complex<double>;

// tau snapshots of q entries: two decays, a swing and a constant in other mixtures, and noise.
Tensor series(std::int64_t tau, std::int64_t q, double noise) {
  Tensor h = normal(key(3), {tau, q}, 0, noise, DType::f64);
  for (std::int64_t t = 0; t < tau; ++t)
    for (std::int64_t j = 0; j < q; ++j) {
      const auto k = static_cast<double>(j), x = static_cast<double>(t);
      h.data<double>()[t * q + j] += std::cos(k) * std::pow(0.9, x) + std::sin(1 + 2 * k) * std::pow(0.97, x) +
                                     std::pow(0.98, x) * std::cos(0.3 * x + k) + 0.2 * k / static_cast<double>(q);
    }
  return h;
}

// The parameters of the model, all of them: the exponents that may move and every real amplitude of every entry.
// Their Jacobian J (q tau, parameters) gives the linear estimate J^+ e of their errors from those of the snapshots, so
// that forecast j, of gradient g, has the variance sum_i var_i (g J^+)_i^2.
std::vector<double> dense_bar(const DmdFit& fit, double t) {
  const std::int64_t tau = fit.snapshots, q = fit.data.dim(1);
  struct Mode {
    Complex alpha;
    std::int64_t index;
    bool pair, fixed;
  };
  std::vector<Mode> modes;
  std::int64_t c = 0, p = 0;
  for (std::size_t k = 0; k < fit.eigenvalues.size(); ++k) {
    const Complex lambda = fit.eigenvalues[k];
    if (lambda.imag() < 0) continue;
    modes.push_back({std::log(lambda), static_cast<std::int64_t>(k), lambda.imag() > 0, lambda == 1.0});
    c += modes.back().pair ? 2 : 1;
    p += modes.back().fixed ? 0 : modes.back().pair ? 2 : 1;
  }
  // Derivatives of entry j at x in all parameters.
  const auto row = [&](std::int64_t j, double x) {
    std::vector<double> out(static_cast<std::size_t>(p + q * c), 0.0);
    std::size_t at = 0, amplitude = static_cast<std::size_t>(p + j * c);
    for (const Mode& mode : modes) {
      const Complex power = std::exp(mode.alpha * x);
      const Complex slope = x * power * fit.amplitudes(mode.index, j) * (mode.pair ? 2.0 : 1.0);
      if (!mode.fixed) out[at++] = slope.real();
      if (!mode.fixed && mode.pair) out[at++] = -slope.imag();
      out[amplitude++] = power.real();
      if (mode.pair) out[amplitude++] = -power.imag();
    }
    return out;
  };
  const Tensor model = fit.reconstruct();
  std::vector<double> variance;
  Tensor transposed({p + q * c, q * tau}, DType::f64), wanted({p + q * c, q}, DType::f64);
  for (std::int64_t j = 0; j < q; ++j) {
    double sum = 0, next = 0, before = 0;
    for (std::int64_t i = 0; i < tau; ++i) {
      const double rest = fit.data.at(i * q + j) - model.at(i * q + j);
      sum += rest * rest;
      next += rest * before;
      before = rest;
      const std::vector<double> derivatives = row(j, static_cast<double>(i));
      for (std::size_t k = 0; k < derivatives.size(); ++k)
        transposed.data<double>()[static_cast<std::int64_t>(k) * q * tau + j * tau + i] = derivatives[k];
    }
    const double rho = std::clamp(next / sum, 0.0, 0.95),
                 freedom = static_cast<double>(tau - c) - double(p) / double(q);
    variance.push_back(sum / freedom * (1 + rho) / (1 - rho));
    const std::vector<double> gradient = row(j, t);
    for (std::size_t k = 0; k < gradient.size(); ++k)
      wanted.data<double>()[static_cast<std::int64_t>(k) * q + j] = gradient[k];
  }
  const Tensor weights = lapack::lstsq(transposed, wanted, 1e-13).x;  // (q tau, q): g J^+ as columns
  std::vector<double> bar;
  for (std::int64_t j = 0; j < q; ++j) {
    double sum = 0;
    for (std::int64_t i = 0; i < q * tau; ++i)
      sum += variance[static_cast<std::size_t>(i / tau)] * weights.at(i * q + j) * weights.at(i * q + j);
    bar.push_back(std::sqrt(sum));
  }
  return bar;
}

DmdOptions options(int rank) {
  DmdOptions o;
  o.rank = rank;
  o.delays = 6;
  o.policy = DmdOptions::Policy::clip;
  o.method = "optimised";
  return o;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("error bar: the dense covariance of exponents and amplitudes together, for 1 to 7 entries") {
    for (const std::int64_t q : {1, 2, 7})
      for (const double t : {45.0, 80.0, 200.5}) {
        CAPTURE(q);
        CAPTURE(t);
        const DmdFit fit = fit_dmd(series(40, q, 1e-3), options(5));
        const std::vector<double> bar = error_bar(fit, t), dense = dense_bar(fit, t);
        for (std::size_t j = 0; j < bar.size(); ++j) CHECK(std::abs(bar[j] / dense[j] - 1) <= 1e-7);
      }
  }

  TEST_CASE("error bar: does not depend on the unit of the series, at the ends of the range too") {
    const Tensor h = series(40, 3, 1e-3);
    const std::vector<double> bar = error_bar(fit_dmd(h, options(5)), 80);
    for (const int exponent : {-900, 900}) {
      Tensor scaled = h.clone();
      for (double& v : std::span(scaled.data<double>(), static_cast<std::size_t>(scaled.size())))
        v = std::ldexp(v, exponent);
      const std::vector<double> far = error_bar(fit_dmd(scaled, options(5)), 80);
      for (std::size_t j = 0; j < bar.size(); ++j) CHECK(std::abs(std::ldexp(far[j], -exponent) / bar[j] - 1) <= 1e-9);
    }
  }

  TEST_CASE("error bar: memory grows with the entries, not with their square") {
    const auto needed = [](std::int64_t q) {
      DmdOptions o = options(6);
      o.method = "least-squares";
      const DmdFit fit = fit_dmd(series(30, q, 1e-3), o);
      const std::int64_t live = memory_use().live_bytes;
      reset_peak_memory();
      CHECK(error_bar(fit, 60).size() == static_cast<std::size_t>(q));
      return memory_use().peak_bytes - live;
    };
    CHECK(needed(4000) <= 5 * needed(1000));
    CHECK(needed(4000) <= 4 * 4000 * 30 * 8);  // a few times the series
  }
}

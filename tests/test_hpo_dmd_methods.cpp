#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <string>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/methods/registry.h>
#include <glocal/hpo/dmd/model/error_bar.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/operator.h>
#include <glocal/hpo/dmd/model/options.h>

#include "dmd_series.h"

using namespace glocal;
using namespace glocal::hpo;
using Complex = std::complex<double>;
using Policy = DmdOptions::Policy;

namespace {

const std::string methods[] = {"least-squares", "total-least-squares", "forward-backward", "optimised"};

DmdOptions options_of(const std::string& method, Policy policy = Policy::snap, int rank = 0) {
  DmdOptions options;
  options.method = method;
  options.policy = policy;
  options.rank = rank;
  return options;
}

Complex nearest(const std::vector<Complex>& values, Complex wanted) {
  return *std::min_element(values.begin(), values.end(),
                           [&](Complex a, Complex b) { return std::abs(a - wanted) < std::abs(b - wanted); });
}

const Series three = [](double t) { return 2 * std::pow(0.95, t) + std::pow(0.8, t) - 0.5 * std::pow(0.5, t); };
const Series wave = [](double t) { return 0.5 + std::pow(0.97, t) * std::cos(0.3 * t); };

// Mean of |lambda| - 0.97 of the swinging mode of `wave` over noisy series.
double modulus_bias(const std::string& method, double noise) {
  const int seeds = 60;
  double sum = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    const Tensor h = snapshots(100, {wave}, noise, static_cast<std::uint64_t>(1000 + seed));
    sum += std::abs(nearest(fit_dmd(h, options_of(method, Policy::raw, 3)).eigenvalues, std::polar(0.97, 0.3))) - 0.97;
  }
  return sum / seeds;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("a method from outside is one entry: it fits, forecasts, and is refused under a name that is taken") {
    DmdMethod mine = dmd_methods().at("least-squares");
    CHECK_THROWS_WITH_AS(add_dmd_method(mine), doctest::Contains("least-squares already"), ValueError);
    mine.name = "halved";  // every mode dies twice as fast
    mine.model = [whole = mine.model](const DmdSeries& series, std::int64_t r, std::string& note) {
      DmdModel model = whole(series, r, note);
      for (double& each : model.step.span<double>()) each /= 2;
      return model;
    };
    add_dmd_method(mine);
    DmdOptions options;
    options.method = "halved";
    options.policy = Policy::raw;
    const DmdFit fit = fit_dmd(snapshots(30, {[](double t) { return std::pow(0.9, t); }}), options);
    REQUIRE(fit.eigenvalues.size() == 1);
    CHECK(std::abs(fit.eigenvalues[0] - 0.45) < 1e-12);
    options.method = "halvd";
    CHECK_THROWS_WITH_AS(fit_dmd(snapshots(30, {[](double t) { return t; }}), options), doctest::Contains("halved"),
                         ValueError);
  }

  TEST_CASE("dmd methods: clean series are forecast far ahead, defective and alternating ones too") {
    const Series defective = [](double t) { return t * std::pow(0.9, t); };
    const Series alternating = [](double t) { return std::pow(-0.95, t); };
    for (const std::string& method : methods) {
      CAPTURE(method);
      for (const Series& truth : {three, wave, defective, alternating})
        CHECK(forecast_error(fit_dmd(snapshots(60, {truth}), options_of(method)), {truth}, {80, 200, 500}) < 1e-9);
      const std::vector<Series> both{three, alternating};
      CHECK(forecast_error(fit_dmd(snapshots(60, both), options_of(method)), both, {80, 200}) < 1e-9);
    }
  }

  TEST_CASE("dmd hard case: the rotation [[1,1],[-1,2]]/sqrt 3") {
    Tensor h({20, 2}, DType::f64);
    std::vector<double> at60;
    double x = 1, y = 0.1;
    for (std::int64_t t = 0; t <= 60; ++t) {
      if (t < 20) h.data<double>()[2 * t] = x, h.data<double>()[2 * t + 1] = y;
      if (t == 60) at60 = {x, y};
      const double next = (x + y) / std::sqrt(3);
      y = (2 * y - x) / std::sqrt(3);
      x = next;
    }
    for (const std::string& method : methods) {
      const DmdFit fit = fit_dmd(h, options_of(method));
      REQUIRE(fit.rank == 2);
      CHECK(std::abs(nearest(fit.eigenvalues, {1, 1}) - Complex{std::sqrt(3) / 2, 0.5}) < 1e-12);
      CHECK(std::abs(fit.forecast(60)[0] - at60[0]) < 1e-11);
      CHECK(std::abs(fit.forecast(60)[1] - at60[1]) < 1e-11);
    }
  }

  // The complex field z as two real series, z and i z, side by side real and imaginary parts: their common operator is
  // that of z and its conjugate, and each singular value appears twice.
  TEST_CASE("dmd hard case: sech(x+3) e^2.3it + 2 sech x tanh x e^2.8it on 400 x 15") {
    const std::int64_t points = 400, tau = 15;
    const double pi = std::acos(-1.0);
    Tensor z({tau, 2 * points}, DType::f64), iz({tau, 2 * points}, DType::f64);
    for (std::int64_t k = 0; k < tau; ++k)
      for (std::int64_t i = 0; i < points; ++i) {
        const double x = -10 + 20 * static_cast<double>(i) / static_cast<double>(points - 1);
        const double t = 4 * pi * static_cast<double>(k) / static_cast<double>(tau - 1);
        const Complex value =
            std::polar(1 / std::cosh(x + 3), 2.3 * t) + 2 / std::cosh(x) * std::tanh(x) * std::polar(1.0, 2.8 * t);
        z.data<double>()[k * 2 * points + i] = iz.data<double>()[k * 2 * points + points + i] = value.real();
        z.data<double>()[k * 2 * points + points + i] = value.imag();
        iz.data<double>()[k * 2 * points + i] = -value.imag();
      }
    DmdData data(z);
    data.series.push_back(iz);
    for (const std::string& method : methods) {
      DmdOptions options = options_of(method, Policy::raw);
      options.delays = 1;
      const DmdFit fit = fit_dmd(data, options);
      REQUIRE(fit.rank == 4);
      for (const Complex lambda : {Complex{-0.809016994, 0.587785252}, Complex{-0.473868662, 0.880595532}})
        for (const Complex wanted : {lambda, std::conj(lambda)})
          CHECK(std::abs(nearest(fit.eigenvalues, wanted) - wanted) < 1e-9);
      CHECK(fit.residual < 1e-12);
      if (method != "least-squares") continue;  // the others look at more than X
      CHECK(std::abs(fit.singular_values[0] * fit.scale - 29.9153322) < 1e-7);
      CHECK(std::abs(fit.singular_values[1] * fit.scale - 29.9153322) < 1e-7);
      CHECK(std::abs(fit.singular_values[2] * fit.scale - 20.2107014) < 1e-7);
      CHECK(std::abs(fit.singular_values[3] * fit.scale - 20.2107014) < 1e-7);
    }
  }

  TEST_CASE("dmd hard case: cos x sin(cos x) + cos 0.2x with 30 delays, 20 steps ahead") {
    const Series f = [](double t) {
      const double x = t * 10 / 63;
      return std::cos(x) * std::sin(std::cos(x)) + std::cos(0.2 * x);
    };
    for (const std::string& method : methods) {
      DmdOptions options = options_of(method, Policy::clip);
      options.delays = 30;
      const DmdFit fit = fit_dmd(snapshots(64, {f}), options);
      CHECK(fit.delays_used == 30);
      CAPTURE(method);
      CAPTURE(fit.rank);
      CHECK(forecast_error(fit, {f}, {64, 70, 77, 83}) < 1e-9);
    }
  }

  TEST_CASE("dmd hard case: near-equal eigenvalues .9 and .9001") {
    const Series f = [](double t) { return 3 * std::pow(0.9, t) - 2 * std::pow(0.9001, t); };
    for (const std::string& method : methods)
      CHECK(forecast_error(fit_dmd(snapshots(60, {f}), options_of(method)), {f}, {70, 100, 200}) < 1e-9);
  }

  TEST_CASE("dmd hard case: scales 1e-200 and 1e300, all zeros, NaN, too few snapshots") {
    for (const std::string& method : methods) {
      for (const double factor : {1e-200, 1e300}) {
        const Series scaled = [=](double t) { return factor * wave(t); };
        const DmdFit fit = fit_dmd(snapshots(60, {scaled}), options_of(method));
        CHECK(forecast_error(fit, {scaled}, {70, 200}) < 1e-9);
        CHECK(std::isfinite(error_bar(fit, 200)[0]));
      }
      const DmdFit zero = fit_dmd(Tensor::zeros({20, 2}, DType::f64), options_of(method));
      CHECK(zero.rank == 0);
      CHECK(zero.forecast(100) == std::vector<double>{0, 0});
      CHECK(error_bar(zero, 100) == std::vector<double>{0, 0});
      Tensor bad = snapshots(20, {wave});
      bad.data<double>()[3] = std::nan("");
      CHECK_THROWS_AS(fit_dmd(bad, options_of(method)), NumericError);
      CHECK_THROWS_AS(fit_dmd(Tensor::zeros({2, 1}, DType::f64), options_of(method)), ValueError);
      CHECK(forecast_error(fit_dmd(snapshots(3, {[](double t) { return std::pow(0.5, t); }}), options_of(method)),
                           {[](double t) { return std::pow(0.5, t); }}, {5}) < 1e-12);
    }
  }

  TEST_CASE("dmd hard case: 10^5 columns, and 10^5 snapshots") {
    const std::int64_t q = 100000, tau = 12;
    Tensor wide({tau, q}, DType::f64);
    const auto entry = [](std::int64_t t, std::int64_t i) {
      const double phase = 1e-3 * static_cast<double>(i);
      return std::cos(phase) * std::pow(0.9, t) + std::sin(phase) + std::cos(3 * phase) * std::pow(-0.7, t);
    };
    for (std::int64_t t = 0; t < tau; ++t)
      for (std::int64_t i = 0; i < q; ++i) wide.data<double>()[t * q + i] = entry(t, i);
    for (const std::string& method : methods) {
      const DmdFit fit = fit_dmd(wide, options_of(method));
      REQUIRE(fit.rank == 3);
      const std::vector<double> said = fit.forecast(40);
      double worst = 0;
      for (std::int64_t i = 0; i < q; ++i)
        worst = std::max(worst, std::abs(said[static_cast<std::size_t>(i)] - entry(40, i)));
      CHECK(worst < 1e-10);
    }
    const Series slow = [](double t) { return std::exp(-1e-5 * t) + std::exp(-1e-4 * t) * std::cos(0.1 * t); };
    CHECK(forecast_error(fit_dmd(snapshots(100000, {slow}), options_of("least-squares")), {slow}, {150000}) < 1e-9);
  }

  TEST_CASE("known wrong answer: optimal amplitudes are not biased by 1/N") {
    for (const std::string& method : methods)
      for (const std::int64_t tau : {12, 24, 48, 96}) {
        const DmdFit fit = fit_dmd(snapshots(tau, {wave}), options_of(method));
        const auto k = std::min_element(fit.eigenvalues.begin(), fit.eigenvalues.end(),
                                        [](Complex a, Complex b) { return std::abs(a - 1.0) < std::abs(b - 1.0); }) -
                       fit.eigenvalues.begin();
        CHECK(std::abs(fit.amplitudes(k, 0) - 0.5) < 1e-9);
      }
  }

  TEST_CASE("known wrong answer: forward-backward steps both ways in one basis and finds every root's sign") {
    // Modes far from orthogonal, and the bases of X and Y differ much: mixing them would move the eigenvalues.
    const std::vector<Series> entries{[](double t) { return std::pow(0.6, t) + 5 * std::pow(-0.9, t); },
                                      [](double t) { return 1.1 * std::pow(0.6, t) + 5 * std::pow(-0.9, t); }};
    DmdOptions options = options_of("forward-backward", Policy::raw);
    options.delays = 1;
    const DmdFit fit = fit_dmd(snapshots(20, entries), options);
    REQUIRE(fit.rank == 2);
    CHECK(std::abs(nearest(fit.eigenvalues, 0.6) - 0.6) < 1e-11);
    CHECK(std::abs(nearest(fit.eigenvalues, -0.9) + 0.9) < 1e-11);
    CHECK(fit.note.empty());
  }

  TEST_CASE("known wrong answer: a rank threshold has a floor, so rounding is no signal") {
    const Series constant = [](double) { return 3.7; };
    for (const std::string& method : methods) {
      CHECK(fit_dmd(snapshots(100, {constant}), options_of(method)).rank == 1);
      CHECK(fit_dmd(snapshots(100, {three}), options_of(method)).rank == 3);
      DmdOptions energy = options_of(method);
      energy.energy = 1;
      CHECK(fit_dmd(snapshots(100, {constant}), energy).rank == 1);
      CHECK(fit_dmd(snapshots(100, {constant}), options_of(method, Policy::snap, 8)).rank == 1);
    }
  }

  TEST_CASE("dmd rank: by energy, the fewest modes with that share") {
    DmdOptions options;
    options.energy = 0.9;
    CHECK(fit_dmd(snapshots(100, {three}), options).rank == 1);
    options.energy = 1 - 1e-8;
    CHECK(fit_dmd(snapshots(100, {three}), options).rank == 3);
    options.rank = 2;  // a fixed rank goes before
    CHECK(fit_dmd(snapshots(100, {three}), options).rank == 2);
  }

  TEST_CASE("dmd under noise: least squares shrinks eigenvalues, the other methods do not") {
    const double least_squares = modulus_bias("least-squares", 0.05);
    CHECK(least_squares < -5e-3);
    CHECK(std::abs(modulus_bias("total-least-squares", 0.05)) < 0.25 * std::abs(least_squares));
    CHECK(std::abs(modulus_bias("forward-backward", 0.05)) < 0.25 * std::abs(least_squares));
    CHECK(std::abs(modulus_bias("optimised", 0.05)) < 0.1 * std::abs(least_squares));
  }

  TEST_CASE("dmd optimised: no fit of as many exponentials is closer") {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const Tensor h = snapshots(80, {wave, three}, 0.05, seed);
      const double best = fit_dmd(h, options_of("optimised", Policy::raw, 4)).residual;
      for (const std::string method : {"least-squares", "total-least-squares", "forward-backward"})
        CHECK(best <= fit_dmd(h, options_of(method, Policy::raw, 4)).residual);
    }
  }

  TEST_CASE("dmd optimised: growth is fitted with |lambda| <= 1 unless raw") {
    const Series growth = [](double t) { return std::pow(1.05, t) + 2 * std::pow(1.02, t) * std::cos(0.4 * t); };
    const Tensor h = snapshots(60, {growth}, 1e-3);
    const DmdFit raw = fit_dmd(h, options_of("optimised", Policy::raw, 3));
    CHECK(std::abs(nearest(raw.eigenvalues, 1.05) - 1.05) < 1e-3);
    const DmdFit clip = fit_dmd(h, options_of("optimised", Policy::clip, 3));
    CHECK(clip.unstable);
    CHECK(std::abs(nearest(clip.fitted_eigenvalues, 1.05) - 1.05) < 1e-3);
    for (const Complex lambda : clip.eigenvalues) CHECK(std::abs(lambda) <= 1 + 1e-9);
    // Bounded least squares is at least as close as eigenvalues clipped afterwards.
    CHECK(clip.residual <= fit_dmd(h, options_of("total-least-squares", Policy::clip, 3)).residual);
  }

  TEST_CASE("dmd methods: noise of any size gives finite forecasts, and is flagged when it is all there is") {
    for (const std::string& method : methods)
      for (std::uint64_t seed = 0; seed < 8; ++seed) {
        const DmdFit fit = fit_dmd(normal(key(seed), {50, 2}, 0, 1, DType::f64), options_of(method));
        CHECK(std::isfinite(fit.forecast(1e5)[0]));
        CHECK(std::isfinite(error_bar(fit, 200)[0]));
        CHECK(fit_dmd(normal(key(seed), {100, 1}, 0, 1, DType::f64), options_of(method, Policy::clip, 1))
                  .noise_dominated);
        CHECK_FALSE(fit_dmd(snapshots(100, {wave}, 0.01, seed), options_of(method)).noise_dominated);
      }
  }
}

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/forecast/forecaster.h>
#include <glocal/hpo/forecast/trial.h>

#include "dmd_series.h"

using namespace glocal;
using namespace glocal::hpo;
using Policy = DmdOptions::Policy;

namespace {

const Series three_exponentials = [](double t) {
  return 2 * std::pow(0.95, t) + std::pow(0.8, t) - 0.5 * std::pow(0.5, t);
};
const Series damped_wave = [](double t) { return 1 + std::pow(0.97, t) * std::cos(0.3 * t); };
const Series defective = [](double t) { return t * std::pow(0.9, t); };
const Series constant = [](double) { return 3.7; };

double median_error(const Series& truth, double noise, double target, Policy policy) {
  std::vector<double> errors;
  for (std::uint64_t seed = 0; seed < 21; ++seed) {
    DmdOptions options;
    options.policy = policy;
    errors.push_back(forecast_error(fit_dmd(snapshots(100, {truth}, noise, seed), options), {truth}, {target}));
  }
  std::nth_element(errors.begin(), errors.begin() + 10, errors.end());
  return errors[10];
}

Tensor random_walk(std::int64_t tau, std::uint64_t seed) {
  Tensor h = normal(key(seed), {tau, 1}, 0, 1, DType::f64);
  for (std::int64_t t = 1; t < tau; ++t) h.data<double>()[t] += h.at(t - 1);
  return h;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("dmd: series with a known spectrum are forecast far beyond the data") {
    for (const std::int64_t tau : {30, 50, 100}) {
      CHECK(forecast_error(fit_dmd(snapshots(tau, {three_exponentials})), {three_exponentials}, {150, 200, 500}) <
            1e-11);
      CHECK(forecast_error(fit_dmd(snapshots(tau, {damped_wave})), {damped_wave}, {150, 200, 500}) < 1e-11);
      CHECK(forecast_error(fit_dmd(snapshots(tau, {defective})), {defective}, {110, 150, 200}) < 1e-7);
      CHECK(forecast_error(fit_dmd(snapshots(tau, {constant})), {constant}, {150, 500, 5000}) < 1e-10);
    }
  }

  TEST_CASE("dmd: t 0.99^t is forecast where it is still large although its eigenvalue is defective") {
    const Series slow = [](double t) { return t * std::pow(0.99, t); };
    const DmdFit fit = fit_dmd(snapshots(50, {slow}));
    CHECK(fit.defective);
    CHECK(fit.rank == 2);
    CHECK(forecast_error(fit, {slow}, {100, 200, 500}) < 1e-11);
  }

  TEST_CASE("dmd: eigenvalues, amplitudes and singular values of three exponentials") {
    const DmdFit fit = fit_dmd(snapshots(60, {three_exponentials}));
    REQUIRE(fit.rank == 3);
    CHECK(fit.singular_values.size() == 10);
    CHECK(std::is_sorted(fit.singular_values.rbegin(), fit.singular_values.rend()));
    CHECK_FALSE(fit.unstable);
    CHECK_FALSE(fit.defective);
    CHECK(fit.residual < 1e-13);
    CHECK(fit.scale == 2.5);
    for (const auto& [lambda, factor] : {std::pair{0.95, 2.0}, {0.8, 1.0}, {0.5, -0.5}}) {
      double nearest = 1, amplitude = 0;
      for (std::int64_t k = 0; k < 3; ++k)
        if (const double distance = std::abs(fit.eigenvalues[static_cast<std::size_t>(k)] - lambda);
            distance < nearest) {
          nearest = distance;
          amplitude = fit.amplitudes(k, 0).real();
        }
      CHECK(nearest < 1e-11);
      CHECK(std::abs(amplitude - factor) < 1e-9);
    }
  }

  TEST_CASE("dmd: three entries that share modes, and a zero one") {
    const std::vector<Series> entries{three_exponentials, [](double t) { return 1e-3 * std::pow(0.8, t) + 5e-3; },
                                      [](double) { return 0.0; }};
    const DmdFit fit = fit_dmd(snapshots(60, entries));
    CHECK(fit.rank == 4);
    CHECK(forecast_error(fit, entries, {100, 500}) < 1e-11);
    const Tensor model = fit.reconstruct();
    CHECK(model.shape() == Shape{60, 3});
    for (std::int64_t t = 0; t < 60; t += 7)
      CHECK(std::abs(model.at(t * 3) - three_exponentials(static_cast<double>(t))) < 1e-12);
  }

  TEST_CASE("dmd: the forecast scales with the data, from 1e-300 to 1e300") {
    for (const double factor : {1e-300, 1e-12, 1e12, 1e300}) {
      const Series scaled = [=](double t) { return factor * damped_wave(t); };
      CHECK(forecast_error(fit_dmd(snapshots(60, {scaled})), {scaled}, {200}) < 1e-11);
    }
  }

  TEST_CASE("dmd: fractions of a step go by the modes") {
    const Series f = [](double t) { return 2 * std::pow(0.95, t) + std::pow(0.8, t); };
    const DmdFit fit = fit_dmd(snapshots(40, {f}));
    for (const double t : {0.5, 3.25, 77.75}) CHECK(std::abs(fit.forecast(t)[0] - f(t)) < 1e-9);
    const DmdFit wave = fit_dmd(snapshots(40, {damped_wave}));
    for (const double t : {0.5, 3.25, 77.75}) CHECK(std::abs(wave.forecast(t)[0] - damped_wave(t)) < 1e-9);
  }

  TEST_CASE("dmd: a range of forecasts is the single ones") {
    const DmdFit fit = fit_dmd(snapshots(40, {three_exponentials, damped_wave}));
    const Tensor range = fit.forecast_range(35, 90);
    REQUIRE(range.shape() == Shape{55, 2});
    for (std::int64_t t = 35; t < 90; ++t)
      for (std::int64_t i = 0; i < 2; ++i)
        CHECK(std::abs(range.at((t - 35) * 2 + i) - fit.forecast(static_cast<double>(t))[static_cast<std::size_t>(i)]) <
              1e-12);
    CHECK(fit.forecast_range(7, 7).shape() == Shape{0, 2});
    CHECK_THROWS_AS(fit.forecast_range(-1, 3), ValueError);
    CHECK_THROWS_AS(fit.forecast_range(4, 3), ValueError);
  }

  TEST_CASE("dmd: thirty entries make a Hankel matrix of 300 rows; more entries than snapshots make a wide one") {
    std::vector<Series> entries;
    for (int i = 0; i < 30; ++i) entries.emplace_back([i](double t) { return damped_wave(t + i); });
    const DmdFit fit = fit_dmd(snapshots(400, entries));
    CHECK(fit.singular_values.size() == 300);
    CHECK(forecast_error(fit, entries, {410, 600}) < 1e-11);
    CHECK(forecast_error(fit_dmd(snapshots(12, entries)), entries, {20}) < 1e-11);
  }

  TEST_CASE("dmd: modes that the snapshots hardly tell apart are still forecast") {
    const Series six = [](double t) {
      double sum = 0;
      for (int k = 0; k < 6; ++k) sum += (1 + k) * std::pow(0.99 - 0.03 * k, t);
      return sum;
    };
    const DmdFit fit = fit_dmd(snapshots(100, {six}));
    CHECK(fit.rank == 6);
    CHECK(forecast_error(fit, {six}, {150, 200, 500}) < 1e-9);
  }

  TEST_CASE("dmd: two modes snapped to 1 cannot be told apart; their sum is the mean of the snapshots") {
    const Series falling = [](double t) { return 1 + std::pow(0.95, t); };
    DmdOptions options;
    options.policy = Policy::unit;
    options.snap_tolerance = 0.1;
    const DmdFit fit = fit_dmd(snapshots(40, {falling}), options);
    REQUIRE(fit.rank == 2);
    const double mean = 1 + (1 - std::pow(0.95, 40)) / (40 * 0.05);
    for (const double t : {0.0, 30.0, 1000.0}) CHECK(std::abs(fit.forecast(t)[0] - mean) < 1e-11);
    for (std::int64_t i = 0; i < 2; ++i) CHECK(std::abs(fit.start.at(i)) < 10);  // the shortest start, no cancellation
  }

  TEST_CASE("dmd: an all-zero series stays zero") {
    const DmdFit fit = fit_dmd(Tensor::zeros({20, 2}, DType::f64));
    CHECK(fit.rank == 0);
    CHECK(fit.forecast(100) == std::vector<double>{0, 0});
    CHECK(fit.residual == 0);
    CHECK(fit.reconstruct().shape() == Shape{20, 2});
    CHECK(forecast_dmd(Tensor::zeros({20, 2}, DType::f64), 100).value == std::vector<double>{0, 0});
  }

  TEST_CASE("dmd: raw follows growth; clip holds it back and says so") {
    const Series growth = [](double t) { return std::pow(1.1, t); };
    DmdOptions options;
    options.policy = Policy::raw;
    const DmdFit raw = fit_dmd(snapshots(40, {growth}), options);
    CHECK(std::abs(raw.forecast(60)[0] / growth(60) - 1) < 1e-11);
    CHECK(raw.unstable);
    options.policy = Policy::clip;
    const DmdFit clip = fit_dmd(snapshots(40, {growth}), options);
    CHECK(clip.unstable);
    CHECK(std::abs(clip.fitted_eigenvalues[0] - 1.1) < 1e-12);
    CHECK(std::abs(clip.eigenvalues[0] - 1.0) < 1e-12);
    CHECK(std::abs(clip.forecast(1000)[0]) <= growth(39));
  }

  TEST_CASE("dmd: snap sets a noisy unit mode to 1 and forecasts better than clip and raw") {
    const double snap = median_error(damped_wave, 1e-3, 500, Policy::snap);
    CHECK(snap < 3e-4);
    CHECK(snap < 0.5 * median_error(damped_wave, 1e-3, 500, Policy::clip));
    CHECK(snap < 0.2 * median_error(damped_wave, 1e-3, 500, Policy::raw));
  }

  TEST_CASE("dmd: a slow decay that the snapshots can tell from 1 is not snapped") {
    const Series slow = [](double t) { return std::pow(0.9995, t); };
    const DmdFit fit = fit_dmd(snapshots(100, {slow}));
    CHECK_FALSE(fit.snapped);
    CHECK(forecast_error(fit, {slow}, {500, 5000}) < 1e-10);
  }

  TEST_CASE("dmd: unit keeps the modes at 1 alone") {
    DmdOptions options;
    options.policy = Policy::unit;
    const DmdFit fit = fit_dmd(snapshots(60, {damped_wave}), options);
    for (const double t : {1.0, 30.0, 500.0}) CHECK(std::abs(fit.forecast(t)[0] - 1) < 1e-11);
    const DmdFit gone = fit_dmd(snapshots(60, {three_exponentials}), options);
    CHECK(std::abs(gone.forecast(10)[0]) < 1e-10);
  }

  TEST_CASE("dmd: noise does not explode, whatever its size") {
    for (const double noise : {1e-6, 1e-3, 1e-1, 1.0})
      for (std::uint64_t seed = 0; seed < 10; ++seed)
        for (const Series& truth : {three_exponentials, damped_wave, constant}) {
          const DmdFit fit = fit_dmd(snapshots(50, {truth}, noise, seed));
          for (const auto lambda : fit.eigenvalues) CHECK(std::abs(lambda) <= 1 + 1e-7);
          CHECK(std::abs(fit.forecast(1e6)[0]) < 2 * fit.scale);
        }
  }

  TEST_CASE("dmd: noise is seen in the singular values, so the rank is that of the signal") {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      CHECK(fit_dmd(snapshots(100, {damped_wave}, 1e-3, seed)).rank == 3);
      CHECK(fit_dmd(snapshots(100, {constant}, 1e-2, seed)).rank == 1);
    }
    DmdOptions two;
    two.rank = 2;
    CHECK(fit_dmd(snapshots(100, {three_exponentials}), two).rank == 2);
    two.rank = 50;
    CHECK(fit_dmd(snapshots(100, {three_exponentials}), two).rank == 3);
  }

  TEST_CASE("dmd: short series get fewer delays and say so") {
    const DmdFit fit = fit_dmd(snapshots(20, {three_exponentials, damped_wave, constant}));
    CHECK(fit.delays_used == 5);
    CHECK(fit.note == "5 delays instead of 10: 20 snapshots of 3 entries carry no more");
    CHECK(fit_dmd(snapshots(100, {constant})).note.empty());
    const Series halving = [](double t) { return std::pow(0.5, t); };
    const DmdFit shortest = fit_dmd(snapshots(3, {halving}));
    CHECK(shortest.delays_used == 1);
    CHECK(std::abs(shortest.forecast(4)[0] - 0.0625) < 1e-14);
  }

  TEST_CASE("dmd: bad input is refused by name") {
    Tensor h = snapshots(20, {constant, damped_wave});
    h.data<double>()[2 * 7 + 1] = std::nan("");
    CHECK_THROWS_WITH_AS(fit_dmd(h), "[dmd] snapshot 7 holds nan; extrapolate finite series only", NumericError);
    h.data<double>()[2 * 7 + 1] = HUGE_VAL;
    CHECK_THROWS_AS(forecast_dmd(h, 50), NumericError);
    CHECK_THROWS_AS(fit_dmd(Tensor::zeros({2, 1}, DType::f64)), ValueError);
    CHECK_THROWS_AS(fit_dmd(Tensor::zeros({9}, DType::f64)), ShapeError);
    CHECK_THROWS_AS(fit_dmd(Tensor::zeros({9, 0}, DType::f64)), ShapeError);
    CHECK_THROWS_AS(fit_dmd(Tensor::zeros({9, 1})), DTypeError);
    const Tensor good = snapshots(20, {damped_wave});
    const auto refused = [&](auto change) {
      DmdOptions options;
      change(options);
      CHECK_THROWS_AS(fit_dmd(good, options), ValueError);
    };
    refused([](DmdOptions& o) { o.delays = 0; });
    refused([](DmdOptions& o) { o.rank = -1; });
    refused([](DmdOptions& o) { o.snap_tolerance = 1; });
    refused([](DmdOptions& o) { o.snap_tolerance = std::nan(""); });
    refused([](DmdOptions& o) { o.bins = 1; });
    refused([](DmdOptions& o) { o.bins_from = 1; });
    CHECK_THROWS_AS(fit_dmd(good).forecast(-1), ValueError);
    CHECK_THROWS_AS(fit_dmd(good).forecast(std::nan("")), ValueError);
  }

  TEST_CASE("dmd in log t: powers of t are forecast exactly, each entry with its own exponent") {
    DmdOptions options;
    options.time = DmdOptions::TimeAxis::logarithmic;
    const std::vector<Series> powers{[](double t) { return 3 / std::sqrt(t + 1); },
                                     [](double t) { return -0.2 * std::pow(t + 1, 0.3); }, constant,
                                     [](double t) { return std::pow(t + 1, -1.2); }};
    const DmdFit fit = fit_dmd(snapshots(100, powers), options);
    CHECK(forecast_error(fit, powers, {50, 1000, 1e5}) < 1e-6);
    CHECK(fit.residual < 1e-7);
    for (const auto& [k, exponent] : {std::pair{0U, -0.5}, {1U, 0.3}, {2U, 0.0}, {3U, -1.2}})
      CHECK(std::abs(std::log(fit.eigenvalues[k].real()) - exponent) < 1e-6);
  }

  // Bins [0, 2) and [2, 8) with means 2 and 4: the best power of exponent 0 is 3.
  TEST_CASE("dmd in log t: the factor is that of least squares over the bins") {
    DmdOptions options;
    options.time = DmdOptions::TimeAxis::logarithmic;
    options.bins = 2;
    options.bins_from = 0;
    options.lowest_exponent = -1e-12;
    options.highest_exponent = 0;
    const Tensor h = Tensor::from(std::vector<double>{1, 3, 4, 4, 4, 4, 4, 4}, {8, 1});
    CHECK(fit_dmd(h, options).forecast(100)[0] == doctest::Approx(3).epsilon(1e-10));
  }

  TEST_CASE("dmd in log t: exponents stay within -1.5 and 0.5, and noise is averaged") {
    DmdOptions options;
    options.time = DmdOptions::TimeAxis::logarithmic;
    const DmdFit fit = fit_dmd(snapshots(100, {[](double t) { return std::pow(t + 1, 3); }, defective}), options);
    CHECK(std::abs(std::log(fit.eigenvalues[0].real()) - 0.5) < 1e-9);
    CHECK(std::abs(std::log(fit.eigenvalues[1].real()) + 1.5) < 1e-9);
    const Series root = [](double t) { return 1 / std::sqrt(t + 1); };
    for (std::uint64_t seed = 0; seed < 10; ++seed)
      CHECK(forecast_error(fit_dmd(snapshots(200, {root}, 0.01, seed), options), {root}, {1000}) < 0.02);
    CHECK(forecast_error(fit_dmd(Tensor::zeros({9, 1}, DType::f64), options), {constant}, {}) == 0);
    CHECK(fit_dmd(Tensor::zeros({9, 1}, DType::f64), options).forecast(50)[0] == 0);
  }

  TEST_CASE("dmd in log t: short series drop empty bins and say so") {
    DmdOptions options;
    options.time = DmdOptions::TimeAxis::logarithmic;
    const DmdFit fit = fit_dmd(snapshots(5, {[](double t) { return 1 / (t + 1); }}), options);
    CHECK(fit.note.find("bins instead of 6") != std::string::npos);
    CHECK(std::abs(fit.forecast(99)[0] - 0.01) < 1e-8);
  }

  TEST_CASE("hold-out: a forecast that wins is used") {
    const Tensor h = snapshots(60, {three_exponentials, damped_wave});
    const Forecast forecast = forecast_dmd(h, 500);
    CHECK_FALSE(forecast.fell_back);
    CHECK(forecast.skill < 1e-9);
    CHECK(forecast.value == dmd_of(forecast)->forecast(500));
    CHECK(forecast.note.empty());
    CHECK(forecast.ended == fmt::format("it missed by {:.3g} times that, and is believed", forecast.skill));
  }

  // The six snapshots kept are constant, and so is what any fit and persistence say.
  TEST_CASE("hold-out: neither the fit nor persistence knows what is held out") {
    const Tensor h = Tensor::from(std::vector<double>{1, 1, 1, 1, 1, 1, 2, 3}, {8, 1});
    CHECK(forecast_dmd(h, 20).skill == doctest::Approx(1).epsilon(1e-12));
  }

  TEST_CASE("hold-out: the forecast says which test it was put to") {
    std::vector<double> series;
    for (int t = 0; t < 40; ++t) series.push_back(std::pow(0.9, t));
    const Tensor h = Tensor::from<double>(series, {40, 1});
    CHECK(forecast_dmd(h, 100).test ==
          "steps 31 to 40, forecast from the first 30, missed by less than 1 times what step 30 repeated misses");
    DmdTrust trust;
    trust.to_beat = 0.5;
    CHECK(
        forecast_auto(h, 100, default_candidates(1), trust).test ==
        "steps 31 to 40, forecast from the first 30, missed by less than 0.5 times what step 30 repeated misses; with "
        "steps 21 to 40, forecast from the first 20, missed by less than 0.5 times what step 20 repeated misses (root "
        "mean square of these)");
    CHECK(forecast_dmd(Tensor::from<double>({1, 2, 4}, {3, 1}), 5).test.empty());
  }

  TEST_CASE("forecast: one that is not finite in its trial never wins, nor does one of constant snapshots") {
    struct Said final : Fitted {
      double inside, beyond;
      Said(double i, double b) : inside(i), beyond(b) {}
      std::vector<double> at(double t) const override { return {t < 20 ? inside : beyond}; }
      std::vector<double> error_bar(double, const std::vector<double>&) const override { return {0}; }
    };
    const auto says = [](double inside, double beyond) {
      return Forecaster{"says", [=](const Known&) { return std::make_shared<const Said>(inside, beyond); }};
    };
    const Known falling{snapshots(20, {[](double t) { return 20 - t; }})}, constant_h{snapshots(20, {constant})};
    const Test test{.hold_outs = {{15, 15}}};
    const Forecast wild = forecast(falling, 30, {says(std::nan(""), 7), says(3, 8)}, test, Doubt::fit);
    CHECK(std::isinf(wild.skills[0]));
    CHECK(wild.chosen == 1);
    CHECK(wild.value == std::vector<double>{8});
    const Forecast alone = forecast(falling, 30, {says(std::nan(""), 7)}, test, Doubt::fit);
    CHECK(alone.fell_back);
    CHECK(alone.value == std::vector<double>{1});
    const Forecast exact = forecast(constant_h, 30, {says(3.7, 7)}, test, Doubt::fit);
    CHECK(std::isinf(exact.skill));
    CHECK(exact.fell_back);
    CHECK_THROWS_AS(forecast(falling, 30, {}, test, Doubt::fit), ValueError);
    for (const HoldOut& none : {HoldOut{0, 5}, HoldOut{15, 14}, HoldOut{15, 20}})
      CHECK_THROWS_AS(forecast(falling, 30, {persistence()}, {.hold_outs = {none}}, Doubt::fit), ValueError);
  }

  TEST_CASE("hold-out: a random walk falls back to its last snapshot and says so") {
    int fell_back = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Tensor h = random_walk(60, seed);
      const Forecast forecast = forecast_dmd(h, 500);
      CHECK(forecast.fell_back == !(forecast.skill < 1));
      if (!forecast.fell_back) continue;
      ++fell_back;
      CHECK(forecast.value == std::vector<double>{h.at(59)});
      CHECK(forecast.ended == fmt::format("it missed by {:.3g} times that: the last value is used", forecast.skill));
    }
    CHECK(fell_back >= 8);
  }

  TEST_CASE("hold-out: a trend broken in the held-out part falls back") {
    const Series broken = [](double t) { return t < 40 ? std::pow(0.9, t) : 0.2 + 0.01 * t; };
    const Tensor h = snapshots(50, {broken});
    const Forecast forecast = forecast_dmd(h, 200);
    CHECK(forecast.fell_back);
    CHECK(forecast.skill > 1);
    CHECK(forecast.value[0] == h.at(49));
  }

  TEST_CASE("hold-out: a constant series is its own forecast; three snapshots are too few for a trial") {
    const Forecast same = forecast_dmd(snapshots(30, {constant}), 1000);
    CHECK(std::abs(same.value[0] - 3.7) < 1e-10);
    const Forecast few = forecast_dmd(snapshots(3, {three_exponentials}), 10);
    CHECK(few.fell_back);
    CHECK(few.ended == "3 snapshots are too few to hold some out: the last value is used");
  }

  TEST_CASE("hold-out: many modes only where they are a hundred times closer than three") {
    const Series five = [](double t) { return three_exponentials(t) + std::pow(0.97, t) * std::cos(0.3 * t); };
    const Forecast clean = forecast_dmd(snapshots(60, {five}), 200);
    CHECK(dmd_of(clean)->rank >= 5);
    CHECK(std::abs(clean.value[0] - five(200)) < 1e-8);
    DmdOptions all;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const Tensor noisy = snapshots(60, {five}, 0.05, seed);
      const Forecast forecast = forecast_dmd(noisy, 200);
      CHECK(dmd_of(forecast)->rank == 3);
      all.rank = 8;  // a rank that is asked for is kept
      CHECK(dmd_of(forecast_dmd(noisy, 200, all))->rank == 8);
    }
  }
}

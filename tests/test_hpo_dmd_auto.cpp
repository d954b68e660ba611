#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/error_bar.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>
#include <glocal/hpo/forecast/forecast.h>

#include "dmd_series.h"

using namespace glocal;
using namespace glocal::hpo;
using Policy = DmdOptions::Policy;
using TimeAxis = DmdOptions::TimeAxis;

namespace {

const Series wave = [](double t) { return 0.5 + std::pow(0.97, t) * std::cos(0.3 * t); };
const Series power = [](double t) { return 0.3 + 1 / std::sqrt(t + 1); };

// Share of noisy series whose forecast is within `bars` error bars of the truth.
struct Coverage {
  int one = 0, two = 0, count = 0;
  void add(double error, double bar) {
    one += error < bar;
    two += error < 2 * bar;
    ++count;
  }
  double of_one() const { return static_cast<double>(one) / count; }
  double of_two() const { return static_cast<double>(two) / count; }
};

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("dmd of several series: one operator, a start each") {
    const auto start = [](double a, double b) {
      return Series([=](double t) { return a * std::pow(0.95, t) + b * std::pow(-0.6, t); });
    };
    DmdData data(snapshots(30, {start(1, 0)}));
    data.series.push_back(snapshots(20, {start(0.2, 2)}));
    for (const std::string method : {"least-squares", "total-least-squares", "forward-backward", "optimised"}) {
      DmdOptions options;
      options.method = method;
      const DmdFit fit = fit_dmd(data, options);
      REQUIRE(fit.rank == 2);  // the first alone has one mode
      CHECK(fit.residual < 1e-12);
      CHECK(std::abs(fit.forecast(100)[0] - start(1, 0)(100)) < 1e-11);
      if (method != "optimised") CHECK(fit.starts.size() == 2);
    }
  }

  TEST_CASE("dmd of several series: the weighted mean") {
    DmdData data(snapshots(40, {wave}));
    data.series.push_back(snapshots(40, {[](double t) { return 2 - wave(t); }}));
    data.weights = {3, 1};
    for (const std::string method : {"least-squares", "optimised"}) {
      DmdOptions options;
      options.method = method;
      options.forecasts = DmdOptions::Forecasts::mean;
      const auto mean = [](double t) { return 0.75 * wave(t) + 0.25 * (2 - wave(t)); };
      CHECK(std::abs(fit_dmd(data, options).forecast(80)[0] - mean(80)) < 1e-9);
      CHECK(std::abs(fit_dmd(data, options).data.at(7) - mean(7)) < 1e-14);
      CHECK(std::abs(forecast_auto(data, 80, {{"mean", options}}).value[0] - mean(80)) < 1e-9);
    }
  }

  TEST_CASE("dmd of several series: they average noise away, and a small weight takes a series out") {
    DmdOptions options;
    options.rank = 3;
    options.method = "total-least-squares";
    const auto error_of = [&](std::size_t count) {
      double sum = 0;
      for (std::uint64_t seed = 0; seed < 20; ++seed) {
        DmdData data;
        for (std::size_t k = 0; k < count; ++k) data.series.push_back(snapshots(60, {wave}, 0.1, 100 * seed + k));
        double nearest = 1;
        for (const auto lambda : fit_dmd(data, options).fitted_eigenvalues)
          nearest = std::min(nearest, std::abs(lambda - std::polar(0.97, 0.3)));
        sum += nearest;
      }
      return sum;
    };
    CHECK(error_of(16) < 0.5 * error_of(1));
    DmdData data(snapshots(60, {wave}));
    data.series.push_back(normal(key(3), {60, 1}, 0, 1, DType::f64));
    data.weights = {1, 1e-24};
    CHECK(std::abs(fit_dmd(data, options).forecast(100)[0] - wave(100)) < 1e-6);
  }

  TEST_CASE("dmd observables: what the loss shows and h alone does not") {
    // One delay sees one mode of h; the second column tells the two apart, at any size.
    DmdData data(snapshots(30, {[](double t) { return std::pow(0.95, t) + std::pow(0.7, t); }}));
    DmdOptions options;
    options.delays = 1;
    const double truth = std::pow(0.95, 60) + std::pow(0.7, 60);
    CHECK(std::abs(fit_dmd(data, options).forecast(60)[0] - truth) > 1e-3);
    data.observables = {snapshots(30, {[](double t) { return 1e6 * (std::pow(0.95, t) - std::pow(0.7, t)); }})};
    for (const std::string method : {"least-squares", "total-least-squares", "forward-backward", "optimised"}) {
      options.method = method;
      const DmdFit fit = fit_dmd(data, options);
      REQUIRE(fit.forecast(60).size() == 1);
      CHECK(std::abs(fit.forecast(60)[0] - truth) < 1e-12);
      CHECK(fit.scale == 2);
    }
  }

  TEST_CASE("dmd data that do not fit together are refused") {
    const Tensor h = snapshots(20, {wave});
    DmdData data;
    CHECK_THROWS_AS(fit_dmd(data), ShapeError);
    data = DmdData(h);
    data.observables = {snapshots(19, {wave})};
    CHECK_THROWS_AS(fit_dmd(data), ShapeError);
    data.observables = {h, h};
    CHECK_THROWS_AS(fit_dmd(data), ShapeError);
    data = DmdData(h);
    data.series.push_back(snapshots(20, {wave, power}));
    CHECK_THROWS_AS(fit_dmd(data), ShapeError);
    data = DmdData(h);
    data.series.push_back(snapshots(19, {wave}));
    DmdOptions options;
    options.forecasts = DmdOptions::Forecasts::mean;
    CHECK_THROWS_AS(fit_dmd(data, options), ShapeError);
    data.weights = {1, 0};
    CHECK_THROWS_AS(fit_dmd(data), ValueError);
    data.weights = {1};
    CHECK_THROWS_AS(fit_dmd(data), ShapeError);
    const auto refused = [&](auto change) {
      DmdOptions changed;
      change(changed);
      CHECK_THROWS_AS(fit_dmd(h, changed), ValueError);
    };
    refused([](DmdOptions& o) { o.energy = 1.5; });
    refused([](DmdOptions& o) { o.energy = std::nan(""); });
    refused([](DmdOptions& o) { o.t0 = -1; });
    refused([](DmdOptions& o) { o.lowest_exponent = 1; });
    refused([](DmdOptions& o) { o.time = TimeAxis::log_grid, o.bins = 2; });
  }

  TEST_CASE("dmd on a log grid: a sum of powers is forecast twenty blocks ahead") {
    DmdOptions options;
    options.time = TimeAxis::log_grid;
    options.bins = 24;
    options.rank = 2;
    const std::vector<Series> entries{[](double t) { return 3 / std::sqrt(t + 1) + 0.5; },
                                      [](double t) { return 0.2 - 4 / std::sqrt(t + 1); }};
    options.method = "optimised";
    const DmdFit exact = fit_dmd(snapshots(100, entries), options);
    for (const double t : {200.0, 2000.0})
      for (std::size_t i = 0; i < 2; ++i) CHECK(std::abs(exact.forecast(t)[i] - entries[i](t)) < 1e-9);
    CHECK(exact.residual < 1e-10);
    for (const std::string method : {"least-squares", "total-least-squares", "forward-backward"}) {
      options.method = method;  // bins of a grid are no exact samples of a power
      const DmdFit fit = fit_dmd(snapshots(100, entries), options);
      for (std::size_t i = 0; i < 2; ++i) CHECK(std::abs(fit.forecast(2000)[i] - entries[i](2000)) < 0.02);
    }
  }

  TEST_CASE("dmd in log t: powers of t + t0") {
    const Series late = [](double t) { return 3 * std::pow(t + 301, -0.7); };
    for (const TimeAxis axis : {TimeAxis::logarithmic, TimeAxis::log_grid}) {
      DmdOptions options;
      options.time = axis;
      options.method = "optimised";
      options.t0 = 300;
      CHECK(std::abs(fit_dmd(snapshots(100, {late}), options).forecast(2000)[0] / late(2000) - 1) < 1e-6);
      options.t0 = 0;
      CHECK(std::abs(fit_dmd(snapshots(100, {late}), options).forecast(2000)[0] / late(2000) - 1) > 0.1);
    }
  }

  TEST_CASE("dmd on a log grid: growth is limited, zeros and short series stand") {
    DmdOptions options;
    options.time = TimeAxis::log_grid;
    options.rank = 1;
    const DmdFit fit = fit_dmd(snapshots(100, {[](double t) { return std::pow(t + 1, 2); }}), options);
    CHECK(fit.unstable);
    CHECK(std::abs(std::log(fit.eigenvalues[0].real()) - 0.5) < 1e-12);
    CHECK(fit_dmd(Tensor::zeros({9, 1}, DType::f64), options).forecast(50)[0] == 0);
    CHECK(std::isfinite(fit_dmd(snapshots(4, {power}), options).forecast(50)[0]));
    for (const double factor : {1e-200, 1e300}) {
      const DmdFit scaled = fit_dmd(snapshots(60, {[=](double t) { return factor / (t + 1); }}), options);
      CHECK(std::abs(scaled.forecast(600)[0] * 601 / factor - 1) < 0.05);
    }
  }

  TEST_CASE("error bar: one standard error of the right model covers what it should, over 300 noisy series") {
    Coverage coverage;
    DmdOptions options;
    options.method = "optimised";
    options.policy = Policy::clip;
    options.rank = 3;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      const DmdFit fit = fit_dmd(snapshots(100, {wave}, 0.02, seed), options);
      coverage.add(std::abs(fit.forecast(150)[0] - wave(150)), error_bar(fit, 150)[0]);
    }
    MESSAGE("one bar covers ", coverage.of_one(), ", two ", coverage.of_two());
    CHECK(coverage.of_one() > 0.58);  // 0.68 for Gaussian errors
    CHECK(coverage.of_one() < 0.80);
    CHECK(coverage.of_two() > 0.90);
  }

  TEST_CASE("error bar: correlated noise makes it wider") {
    Tensor h = snapshots(200, {wave}), drift = normal(key(5), {200, 1}, 0, 0.02, DType::f64);
    for (std::int64_t t = 1; t < 200; ++t) drift.data<double>()[t] += 0.8 * drift.at(t - 1);
    Tensor white = normal(key(6), {200, 1}, 0, 0.02 / 0.6, DType::f64);
    const auto bar = [&](const Tensor& noise) {
      Tensor noisy = h.clone();
      for (std::int64_t t = 0; t < 200; ++t) noisy.data<double>()[t] += noise.at(t);
      DmdOptions options;
      options.rank = 3;
      options.method = "optimised";
      return error_bar(fit_dmd(noisy, options), 300)[0];
    };
    CHECK(bar(drift) > 1.5 * bar(white));
  }

  TEST_CASE("forecast_auto: the error bar covers powers and waves, over 200 noisy series") {
    Coverage coverage;
    for (std::uint64_t seed = 0; seed < 100; ++seed)
      for (const Series& truth : {wave, power}) {
        const Forecast forecast = forecast_auto(snapshots(100, {truth}, 0.02, 50 + seed), 300, default_candidates(1));
        coverage.add(std::abs(forecast.value[0] - truth(300)), forecast.error_bar[0]);
      }
    MESSAGE("one bar covers ", coverage.of_one(), ", two ", coverage.of_two());
    CHECK(coverage.count == 200);
    CHECK(coverage.of_one() > 0.75);
    CHECK(coverage.of_two() > 0.92);
  }

  TEST_CASE("forecast_auto: waves and powers each find their model") {
    const Forecast first = forecast_auto(snapshots(100, {wave}), 500, default_candidates(1));
    CHECK(dmd_of(first)->options.time == TimeAxis::linear);
    CHECK(std::abs(first.value[0] - wave(500)) < 1e-9);
    CHECK(first.weight == 1);
    CHECK(first.skills.size() == default_candidates(1).size());
    const Forecast second = forecast_auto(snapshots(100, {power}, 1e-3), 500, default_candidates(1));
    CHECK(dmd_of(second)->options.time == TimeAxis::log_grid);
    CHECK(std::abs(second.value[0] - power(500)) < 0.02);
    CHECK(second.note.find("two powers of t") != std::string::npos);
    CHECK(second.chosen == 5);
  }

  TEST_CASE("forecast_auto: what cannot be forecast stays at its last value, with a bar") {
    Tensor walk = normal(key(9), {60, 1}, 0, 1, DType::f64);
    for (std::int64_t t = 1; t < 60; ++t) walk.data<double>()[t] += walk.at(t - 1);
    DmdTrust doubt;
    doubt.to_beat = 1e-3;
    const Forecast forecast = forecast_auto(walk, 200, default_candidates(1), doubt);
    CHECK(forecast.fell_back);
    CHECK(forecast.weight == 0);
    CHECK(forecast.value[0] == walk.at(59));
    CHECK(forecast.error_bar[0] > 1);
    CHECK(forecast.ended.find("the last value is used") != std::string::npos);
    const Forecast few = forecast_auto(snapshots(3, {wave}), 10, default_candidates(1));
    CHECK(few.fell_back);
    CHECK(std::isinf(few.error_bar[0]));
    const Forecast zero = forecast_auto(Tensor::zeros({20, 2}, DType::f64), 50, default_candidates(2));
    CHECK(zero.value == std::vector<double>{0, 0});
  }

  TEST_CASE("forecast_auto: shrinking moves part of the way, all of it on clean data") {
    DmdTrust trust;
    trust.shrink = true;
    CHECK(std::abs(forecast_auto(snapshots(60, {wave}), 90, default_candidates(1), trust).weight - 1) < 1e-9);
    DmdOptions follows;  // raw growth overshoots a series that bends
    follows.policy = Policy::raw;
    follows.rank = 1;
    follows.delays = 1;
    const auto bent = [](double t) { return 1 + 0.05 * t - 3e-4 * t * t; };
    const Tensor bend = snapshots(60, {bent});
    trust.to_beat = 10;
    const Forecast part = forecast_auto(bend, 120, {{"growth", follows}}, trust);
    double along = 0, square = 0, ratio = 0;  // of what fits to the first 45 and 30 snapshots say about the others
    for (const std::int64_t kept : {45, 30}) {
      const DmdFit fit = fit_dmd(snapshots(kept, {bent}), follows);
      const double now = bend.at(kept - 1);
      double unit = 0, error = 0;
      for (std::int64_t t = kept; t < 60; ++t) unit += std::pow(bend.at(t) - now, 2);
      for (std::int64_t t = kept; t < 60; ++t) {
        const double step = fit.forecast(static_cast<double>(t))[0] - now, rows = static_cast<double>(60 - kept);
        along += step * (bend.at(t) - now) * rows / unit;
        square += step * step * rows / unit;
        error += std::pow(now + step - bend.at(t), 2);
      }
      ratio += error / unit / 2;
    }
    REQUIRE(along / square > 0.1);
    REQUIRE(along / square < 0.9);
    CHECK(part.weight == doctest::Approx(along / square).epsilon(1e-12));
    CHECK(part.skill == doctest::Approx(std::sqrt(ratio)).epsilon(1e-12));
    const double last = bend.at(59), model = dmd_of(part)->forecast(120)[0];
    CHECK(std::abs(part.value[0] - (last + part.weight * (model - last))) < 1e-12);
  }

  TEST_CASE("forecast_auto: bad input is refused") {
    const Tensor h = snapshots(40, {wave});
    CHECK_THROWS_AS(forecast_auto(h, 50, {}), ValueError);
    CHECK_THROWS_AS(forecast_auto(h, std::nan(""), default_candidates(1)), ValueError);
    DmdTrust trust;
    trust.held_back = {};
    CHECK_THROWS_AS(forecast_auto(h, 50, default_candidates(1), trust), ValueError);
    trust.held_back = {1.5};
    CHECK_THROWS_AS(forecast_auto(h, 50, default_candidates(1), trust), ValueError);
    DmdData data(h);
    data.series.push_back(snapshots(30, {wave}));
    CHECK_THROWS_AS(forecast_auto(data, 50, default_candidates(1)), ShapeError);
    Tensor bad = h.clone();
    bad.data<double>()[7] = HUGE_VAL;
    CHECK_THROWS_AS(forecast_auto(bad, 50, default_candidates(1)), NumericError);
  }
}

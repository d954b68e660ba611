// Extrapolation of series at the ends of the range, without motion, and too small or too wide.
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/error_bar.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>
#include <glocal/hpo/forecast/forecast.h>

#include "hard_cases.h"

using namespace glocal;
using namespace glocal::hard;
using namespace glocal::hpo;

namespace {

using Policy = DmdOptions::Policy;
using TimeAxis = DmdOptions::TimeAxis;

Tensor series(std::int64_t tau, std::int64_t q, const std::function<double(double, std::int64_t)>& h) {
  Tensor out({tau, q}, DType::f64);
  for (std::int64_t i = 0; i < tau * q; ++i) out.data<double>()[i] = h(double(i / q), i % q);
  return out;
}

const std::string methods[] = {"least-squares", "total-least-squares", "forward-backward", "optimised"};
constexpr TimeAxis axes[] = {TimeAxis::linear, TimeAxis::logarithmic, TimeAxis::log_grid};

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("hard case: dmd refuses NaN and Inf wherever they stand, in series and observables, on every axis") {
    const Tensor good = series(30, 2, [](double t, auto j) { return std::pow(0.9, t) + double(j); });
    for (const double bad : {NaN, inf, -inf})
      for (const std::int64_t place : {0, 31, 59})
        for (const TimeAxis axis : axes) {
          DmdOptions options;
          options.time = axis;
          Tensor h = good.clone();
          h.data<double>()[place] = bad;
          CHECK_THROWS_AS(fit_dmd(h, options), NumericError);
          CHECK_THROWS_AS(forecast_dmd(h, 100, options), NumericError);
          CHECK_THROWS_AS(forecast_auto(h, 100, default_candidates(2)), NumericError);
          DmdData data(good);
          data.observables.push_back(h);
          CHECK_THROWS_AS(fit_dmd(data, options), NumericError);
        }
  }

  TEST_CASE("hard case: dmd near overflow and underflow forecasts what it does near 1") {
    for (const std::string& method : methods) {
      DmdOptions options;
      options.method = method;
      const auto at = [&](double size) {
        return series(40, 2, [=](double t, auto j) { return size * (std::pow(0.9, t) + 0.25 * double(j)); });
      };
      const auto wanted = fit_dmd(at(1), options).forecast(500);
      for (const int exponent : {1020, -1000}) {
        const double size = std::exp2(exponent);
        const DmdFit fit = fit_dmd(at(size), options);
        for (std::size_t j = 0; j < 2; ++j) {
          const double got = std::ldexp(fit.forecast(500)[j], -exponent);
          CHECK(std::abs(got - wanted[j]) <= 1e-9);
        }
        CHECK(std::isfinite(fit.residual));
        for (const double s : fit.singular_values) CHECK(std::isfinite(s));
      }
    }
    // Subnormal series keep what digits they have.
    const Tensor tiny = series(40, 1, [](double t, auto) { return 1e-310 * std::pow(0.9, t) + 1e-309; });
    CHECK(std::abs(fit_dmd(tiny).forecast(500)[0] / 1e-309 - 1) <= 1e-6);
  }

  TEST_CASE("hard case: dmd of a constant series is the constant, by every method, axis and policy") {
    for (const double c : {1.0, -3e-300, 2e300, 0.0})
      for (const std::string& method : methods)
        for (const TimeAxis axis : axes)
          for (const Policy policy : {Policy::raw, Policy::clip, Policy::snap, Policy::unit}) {
            DmdOptions options;
            options.method = method;
            options.time = axis;
            options.policy = policy;
            const DmdFit fit = fit_dmd(series(24, 2, [=](double, auto j) { return c * double(j + 1); }), options);
            CAPTURE(c);
            CAPTURE(method);
            CAPTURE(int(axis));
            CAPTURE(int(policy));
            for (std::size_t j = 0; j < 2; ++j)
              CHECK(std::abs(fit.forecast(1000)[j] - c * double(j + 1)) <= 1e-9 * std::abs(c));
          }
  }

  TEST_CASE("hard case: dmd of too few snapshots, of no entries and of sizes that do not fit is refused by type") {
    const auto zeros = [](Shape s) { return Tensor::zeros(s, DType::f64); };
    for (const std::int64_t tau : {0, 1, 2}) CHECK_THROWS_AS(fit_dmd(zeros({tau, 1})), ValueError);
    CHECK_THROWS_AS(fit_dmd(zeros({10, 0})), ShapeError);
    CHECK_THROWS_AS(fit_dmd(zeros({10})), ShapeError);
    CHECK_THROWS_AS(fit_dmd(zeros({10, 1, 1})), ShapeError);
    CHECK_THROWS_AS(fit_dmd(Tensor::zeros({10, 1})), DTypeError);
    CHECK_THROWS_AS(fit_dmd(Tensor()), ShapeError);
    for (const std::int64_t tau : {3, 4, 5})
      for (const std::string& method : methods)
        for (const TimeAxis axis : axes) {
          DmdOptions options;
          options.method = method;
          options.time = axis;
          const DmdFit fit = fit_dmd(series(tau, 1, [](double t, auto) { return 1 + t; }), options);
          CHECK(std::isfinite(fit.forecast(100)[0]));
        }
  }

  TEST_CASE("hard case: dmd of one jump, of alternating extremes and of a growing series gives finite forecasts") {
    for (const auto& h :
         {std::function<double(double, std::int64_t)>([](double t, auto) { return t < 20 ? 0.0 : 1e300; }),
          {[](double t, auto) { return std::fmod(t, 2) == 0 ? 1e290 : -1e290; }},
          {[](double t, auto) { return std::pow(10.0, 7 * t); }},
          {[](double t, auto) { return std::pow(10.0, -7 * t); }}}) {
      CAPTURE(h(3, 0));
      for (const std::string& method : methods)
        for (const TimeAxis axis : axes) {
          DmdOptions options;
          options.method = method;
          options.time = axis;
          const DmdFit fit = fit_dmd(series(40, 1, h), options);
          CAPTURE(method);
          CAPTURE(int(axis));
          CHECK(std::isfinite(fit.forecast(1000)[0]));
          CHECK(fit.scale == std::abs(*std::max_element(fit.data.data<double>(), fit.data.data<double>() + 40,
                                                        [](double a, double b) { return std::abs(a) < std::abs(b); })));
        }
    }
  }

  TEST_CASE("hard case: a forecast at the end of the range is finite, or the last snapshot with a note") {
    for (const double size : {1e300, 1.2e308})
      for (const bool growing : {false, true})
        for (const TimeAxis axis : axes)
          for (const Policy policy : {Policy::raw, Policy::snap}) {
            const Tensor h = series(40, 1, [=](double t, auto) {
              return size * (growing ? 1 + t / 100 : std::fmod(t, 2) == 0 ? 1 : -1);
            });
            DmdOptions options;
            options.time = axis;
            options.policy = policy;
            const Forecast forecast = forecast_dmd(h, 1e5, options);
            CHECK(std::isfinite(forecast.value[0]));
            CHECK_FALSE(std::isnan(forecast.error_bar[0]));
            CHECK_FALSE(std::isnan(error_bar(fit_dmd(h, options), 100)[0]));
            if (forecast.fell_back) CHECK(forecast.value[0] == h.at(39));
            if (forecast.fell_back) CHECK_FALSE(forecast.ended.empty());
          }
  }
}

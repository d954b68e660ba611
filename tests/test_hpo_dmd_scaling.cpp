// The power-law forecast against the law itself, against gradient flow, and against series that break the law.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <glocal/core/random.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/forecast/options.h>
#include <glocal/hpo/forecast/scaling.h>
#include <glocal/hpo/unroll/forward.h>

#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// h = c_k t (t0 + t)^-(p + 1) and E = a (t0 + t)^-p after t = 1, 2, ..., tau steps.
struct Law {
  double t0 = 0, p = 0.5, a = 2;
  std::vector<double> c{-3, 0.5, 7};

  double at(std::size_t k, double t) const { return c[k] * t * std::pow(t0 + t, -p - 1); }
  Tensor h(std::int64_t tau, double scale = 1) const {
    Tensor out({tau, std::ssize(c)}, DType::f64);
    for (std::int64_t i = 0; i < out.size(); ++i)
      out.data<double>()[i] =
          scale * at(static_cast<std::size_t>(i % std::ssize(c)), static_cast<double>(i / std::ssize(c) + 1));
    return out;
  }
  Tensor outer(std::int64_t tau) const {
    Tensor out({tau}, DType::f64);
    for (std::int64_t i = 0; i < tau; ++i) out.data<double>()[i] = a * std::pow(t0 + static_cast<double>(i + 1), -p);
    return out;
  }
};

ScalingOptions exact(double t0 = 0) {
  ScalingOptions options;
  options.t0 = t0;
  options.caution = 0;
  options.most_growth = infinity;
  return options;
}

Tensor noisy(const Tensor& h, double deviation, std::uint64_t seed) {
  Tensor out = normal(key(seed), h.shape(), 0, deviation, DType::f64);
  for (std::int64_t i = 0; i < h.size(); ++i) out.data<double>()[i] += h.at(i);
  return out;
}

Tensor series(std::int64_t tau, double (*f)(double)) {
  Tensor out({tau, 1}, DType::f64);
  for (std::int64_t i = 0; i < tau; ++i) out.data<double>()[i] = f(static_cast<double>(i + 1));
  return out;
}

}  // namespace

TEST_CASE("scaling: the power law is recovered, and the modes of the fit say the same") {
  constexpr std::int64_t T = 5000;
  for (const double t0 : {0.0, 1.0, 50.0, 500.0, 20000.0})
    for (const double p : {0.3, 0.45, 0.7, 0.9})
      for (const std::size_t q : {1u, 2u, 3u}) {
        CAPTURE(t0);
        CAPTURE(p);
        CAPTURE(q);
        Law law{.t0 = t0, .p = p};
        law.c.resize(q);
        const Forecast got = forecast_scaling(law.h(100), law.outer(100), T - 1, exact(t0));
        REQUIRE(got.value.size() == q);
        CHECK_FALSE(got.fell_back);
        CHECK(got.note.empty());
        CHECK(got.skill < 1e-6);
        const TrainingLaw& fit = *law_of(got);
        CHECK_FALSE(dmd_of(got));  // no operator, no eigenvalues
        CHECK(fit.residual < 1e-9);
        CHECK(std::abs(fit.p - p) < 1e-9);
        CHECK(fit.t0 == t0);
        const Tensor inside = fit.range(0, 100);
        for (std::size_t k = 0; k < q; ++k) {
          CHECK(got.value[k] == doctest::Approx(law.at(k, T)).epsilon(1e-9));
          CHECK(fit.at(T - 1)[k] == doctest::Approx(got.value[k]).epsilon(1e-9));
          CHECK(inside.at(49 * std::ssize(law.c) + static_cast<std::int64_t>(k)) ==
                doctest::Approx(law.at(k, 50)).epsilon(1e-8));
          CHECK(std::isfinite(got.error_bar[k]));
        }
      }
}

TEST_CASE("scaling: p is minus the slope of log E in log t, steps weighted by 1 / t") {
  const Law law{.t0 = 20, .p = 0.5};
  Tensor outer = law.outer(100).clone();
  double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
  for (std::int64_t i = 0; i < 100; ++i) {
    outer.data<double>()[i] *= 1 + 0.2 * std::sin(0.1 * static_cast<double>(i));
    const double t = 20 + static_cast<double>(i + 1), x = std::log(t), y = std::log(outer.at(i));
    w += 1 / t, wx += x / t, wy += y / t, wxx += x * x / t, wxy += x * y / t;
  }
  ScalingOptions options = exact(20);
  options.exponent_from = 0;
  const double p = -(w * wxy - wx * wy) / (w * wxx - wx * wx);
  REQUIRE(p > options.least);
  REQUIRE(p < options.most);
  CHECK(law_of(forecast_scaling(law.h(100), outer, 999, options))->p == doctest::Approx(p).epsilon(1e-10));
}

TEST_CASE("scaling: p stays within its bounds, however far E goes outside them") {
  for (const double p : {-0.2, 0.1, 1.5}) {
    const Law law{.p = p};
    const Forecast got = forecast_scaling(law.h(100), law.outer(100), 999, exact());
    CHECK(law_of(got)->p == doctest::Approx(std::clamp(p, 0.3, 0.9)).epsilon(1e-12));
  }
  // Steps so late that log t hardly moves: E constant falls with the least exponent.
  const Law late{.t0 = 1e15};
  const Forecast got = forecast_scaling(late.h(8), Tensor::ones({8}, DType::f64), 99, exact(1e15));
  CHECK(law_of(got)->p == 0.3);
  CHECK(got.value[0] == doctest::Approx(late.h(8).at(21) * 100 / 8).epsilon(1e-6).scale(0));
}

TEST_CASE("scaling: in gradient flow h for log lr is t dE/dt, and the forecast is the truth at T") {
  // w' = -lr w^5 / 2 from E = w^2 = (2 lr t0)^-1/2: E = (2 lr (t0 + t))^-1/2.
  constexpr double lr = 1e-3, t0 = 200;
  FlatProblem problem;
  problem.init = [=](const Vars&) { return Vars{number(std::pow(2 * lr * t0, -0.25))}; };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t) {
    const Var w2 = square(s[0]);
    return Vars{s[0] - exp(phi[0]) * 0.5 * square(w2) * s[0]};
  };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return square(s[0]); };
  const Vars phi{number(std::log(lr))};
  Vars start = problem.init(phi);
  constexpr std::int64_t tau = 100, T = 400;
  ForwardRun run = run_forward(problem, start, zero_tangents(1, 1), phi, 0, T, /*trajectory=*/true);
  for (const std::int64_t t : {50, 100, 300}) {
    const double slope = (run.outers.at(t) - run.outers.at(t - 2)) / 2;  // dE/dt after t steps
    CHECK(run.trajectory.at(t - 1) == doctest::Approx(static_cast<double>(t) * slope).epsilon(0.02));
  }
  const auto first = [](const Tensor& x, Shape shape) {
    return Tensor::from(x.span<double>().first(static_cast<std::size_t>(tau)), shape);
  };
  const Forecast got = forecast_scaling(first(run.trajectory, {tau, 1}), first(run.outers, {tau}), T - 1, exact(t0));
  CHECK_FALSE(got.fell_back);
  CHECK(got.value[0] == doctest::Approx(run.trajectory.at(T - 1)).epsilon(0.03));
}

TEST_CASE("scaling: noise shrinks a forecast and never turns or raises its level") {
  const Law law{.t0 = 100, .p = 0.5};
  const Tensor clean = law.h(100), outer = law.outer(100);
  double shrunk = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    ScalingOptions careless = exact(100), careful = careless;
    careless.trust = careful.trust = infinity;
    careful.caution = 12;
    const Tensor h = noisy(clean, 0.05, seed);
    const Forecast bold = forecast_scaling(h, outer, 999, careless), shy = forecast_scaling(h, outer, 999, careful);
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(std::abs(shy.value[k]) <= std::abs(bold.value[k]));
      CHECK(shy.value[k] * bold.value[k] >= 0);
      shrunk = std::max(shrunk, 1 - shy.value[k] / bold.value[k]);
    }
  }
  CHECK(shrunk > 0.5);  // a component that is mostly noise
}

TEST_CASE("scaling: a forecast is at most most_growth times the level in the block") {
  const Law law{.t0 = 1e5};  // rises as t for the whole run
  ScalingOptions options = exact(1e5);
  options.most_growth = 3;
  const Forecast got = forecast_scaling(law.h(100), law.outer(100), 4999, options);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(std::abs(got.value[k]) <= 3 * std::abs(law.at(k, 100)));
    CHECK(std::abs(got.value[k]) > 2.8 * std::abs(law.at(k, 100)));
  }
}

TEST_CASE("scaling: a series that turns fails its trial and keeps the last snapshot") {
  // The first quarter rises; the end lies where the quarter ended, with no place for the law in between.
  const Tensor h = series(100, [](double t) { return t < 25 ? t : 25 + 0.01 * std::sin(t); });
  const Law law{.t0 = 1e4};
  ScalingOptions options = exact(1e4);
  const Forecast got = forecast_scaling(h, law.outer(100), 999, options);
  CHECK(got.fell_back);
  CHECK(got.weight == 0);
  CHECK(got.skill > options.trust);
  CHECK(got.value[0] == h.at(99));
  CHECK(got.ended == fmt::format("it missed by {:.3g} times that: the last value is used", got.skill));
  options.trust = infinity;
  CHECK_FALSE(forecast_scaling(h, law.outer(100), 999, options).fell_back);
}

TEST_CASE("scaling: the forecast says which test it was put to: the steps it names decide its skill and no other") {
  const Law law;
  const Tensor h = law.h(50), outer = law.outer(50);
  const auto skill = [&](std::int64_t step) {  // with h after this step, counted from 1, changed
    Tensor changed = Tensor::from(h.span<double>(), h.shape());
    if (step > 0) changed.data<double>()[(step - 1) * 3] += 10;
    return forecast_scaling(changed, outer, 999, exact()).skill;
  };
  const Forecast forecast = forecast_scaling(h, outer, 999, exact());
  CHECK(
      forecast.test ==
      "the mean of steps 46 to 50, forecast from the first 12, missed by at most 2 times what step 12 repeated misses");
  for (const std::int64_t step : {12, 46, 50}) CHECK(skill(step) != skill(0));
  for (const std::int64_t step : {13, 30, 45}) CHECK(skill(step) == skill(0));
  ScalingOptions strict = exact();
  strict.trust = 0.5;
  CHECK(forecast_scaling(h, outer, 999, strict).test.find("at most 0.5 times") != std::string::npos);
  const Forecast untested = forecast_scaling(law.h(8), law.outer(8), 999, exact());
  CHECK(untested.test.empty());
  CHECK(!untested.fell_back);
  CHECK(untested.ended == "there was no room for a test: it is believed");
  CHECK(forecast.ended == fmt::format("it missed by {:.3g} times that, and is believed", forecast.skill));
}

TEST_CASE("scaling: a constant h is persistence at its best, zeros stay zero") {
  const Law law{.p = 0.5};
  const Forecast flat = forecast_scaling(Tensor::ones({100, 2}, DType::f64), law.outer(100), 999);
  CHECK(flat.fell_back);
  CHECK(flat.value == std::vector<double>{1, 1});
  const Forecast none = forecast_scaling(Tensor::zeros({100, 2}, DType::f64), law.outer(100), 999);
  CHECK_FALSE(none.fell_back);
  CHECK(none.value == std::vector<double>{0, 0});
  CHECK(none.error_bar == std::vector<double>{0, 0});
}

TEST_CASE("scaling: a loss that is not positive falls back and says so") {
  const Law law;
  for (const double loss : {0.0, -1.0}) {
    Tensor outer = law.outer(60);
    outer.data<double>()[59] = loss;
    const Forecast got = forecast_scaling(law.h(60), outer, 999);
    CHECK(got.fell_back);
    CHECK(got.ended == "E is not positive, so its fall is no power law: the last value is used");
    for (std::size_t k = 0; k < 3; ++k) CHECK(got.value[k] == law.h(60).at(59 * 3 + static_cast<std::int64_t>(k)));
  }
}

TEST_CASE("scaling: the forecast scales with h from 1e-200 to 1e200") {
  const Law law{.t0 = 30};
  ScalingOptions options;
  options.t0 = 30;
  const Tensor h = noisy(law.h(80), 1e-3, 3);
  const Forecast one = forecast_scaling(h, law.outer(80), 999, options);
  CHECK_FALSE(one.fell_back);
  for (const double scale : {1e-200, 1e200, -1.0}) {
    CAPTURE(scale);
    Tensor scaled = h.clone();
    for (double& v : scaled.span<double>()) v *= scale;
    const Forecast got = forecast_scaling(scaled, law.outer(80), 999, options);
    CHECK(got.skill == doctest::Approx(one.skill).epsilon(1e-9));
    CHECK(law_of(got)->residual == doctest::Approx(law_of(one)->residual).epsilon(1e-9));
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(got.value[k] / scale == doctest::Approx(one.value[k]).epsilon(1e-9));
      CHECK(got.error_bar[k] / std::abs(scale) == doctest::Approx(one.error_bar[k]).epsilon(1e-9));
    }
  }
}

TEST_CASE("scaling: bad input is a typed error") {
  const Law law;
  const Tensor h = law.h(20), outer = law.outer(20);
  CHECK_THROWS_AS(forecast_scaling(Tensor(), outer, 99), ShapeError);
  CHECK_THROWS_AS(forecast_scaling(h, Tensor(), 99), ShapeError);
  CHECK_THROWS_AS(forecast_scaling(h.reshape({60}), outer, 99), ShapeError);
  CHECK_THROWS_AS(forecast_scaling(h, law.outer(19), 99), ShapeError);
  CHECK_THROWS_AS(forecast_scaling(h, outer.reshape({20, 1}), 99), ShapeError);
  CHECK_THROWS_AS(forecast_scaling(Tensor::zeros({20, 0}, DType::f64), outer, 99), ShapeError);
  CHECK_THROWS_AS(forecast_scaling(h.to(DType::f32), outer, 99), DTypeError);
  CHECK_THROWS_AS(forecast_scaling(h, outer.to(DType::f32), 99), DTypeError);
  CHECK_THROWS_AS(forecast_scaling(law.h(7), law.outer(7), 99), ValueError);
  CHECK_NOTHROW(forecast_scaling(law.h(8), law.outer(8), 99));
  for (const double target : {-1.0, std::nan(""), infinity})
    CHECK_THROWS_AS(forecast_scaling(h, outer, target), ValueError);
  for (const double bad : {std::nan(""), infinity, -infinity}) {
    Tensor broken_h = h.clone(), broken_outer = outer.clone();
    broken_h.data<double>()[31] = broken_outer.data<double>()[7] = bad;
    CHECK_THROWS_AS(forecast_scaling(broken_h, outer, 99), NumericError);
    CHECK_THROWS_AS(forecast_scaling(h, broken_outer, 99), NumericError);
  }
  const auto refused = [&](auto change) {
    ScalingOptions options;
    change(options);
    CHECK_THROWS_AS(forecast_scaling(h, outer, 99, options), ValueError);
  };
  for (const double bad : {-1.0, std::nan("")}) {
    refused([&](auto& o) { o.t0 = bad; });
    refused([&](auto& o) { o.exponent_from = bad; });
    refused([&](auto& o) { o.level_from = bad; });
    refused([&](auto& o) { o.caution = bad; });
    refused([&](auto& o) { o.most_growth = bad; });
    refused([&](auto& o) { o.trust = bad; });
  }
  refused([](auto& o) { o.t0 = 2e15; });
  refused([](auto& o) { o.level_from = 1; });
  refused([](auto& o) { o.exponent_from = 1; });
  refused([](auto& o) { o.least = 1; });
  refused([](auto& o) { o.caution = infinity; });
  refused([](auto& o) { o.trust = 0; });
}

TEST_CASE("glocal takes dmd on an exponential without noise and the power law on a noisy one") {
  const Tensor exponential = series(60, [](double t) { return 2 - 1.5 * std::exp(-0.05 * t); });
  const Tensor falling = Law{}.outer(60);
  const Forecast dmd = glocal_forecast(exponential, falling, 0, 500);
  CHECK(dmd_of(dmd));
  CHECK(dmd.value[0] == doctest::Approx(2 - 1.5 * std::exp(-0.05 * 500)).epsilon(1e-6));
  const Law law{.t0 = 40};
  const Forecast power = glocal_forecast(noisy(law.h(60), 0.005, 1), law.outer(60), 40, 500);
  REQUIRE(law_of(power));
  CHECK(law_of(power)->t0 == 40);
  EstimatorOptions options;
  options.extrapolation = Extrapolation::dmd;
  CHECK(dmd_of(glocal_forecast(noisy(law.h(60), 0.005, 1), law.outer(60), 40, 500, options)));
  options.extrapolation = Extrapolation::scaling;
  CHECK(law_of(glocal_forecast(exponential, falling, 0, 500, options)));
}

TEST_CASE("glocal: noise that leaves no room for an exact forecast spares the fit of one") {
  const auto waves = [](double t) { return 2 - 1.5 * std::exp(-0.05 * t) + 0.3 * std::pow(0.9, t) * std::cos(t); };
  CHECK(least_skill(series(60, waves)) < 1e-9);
  CHECK(least_skill(series(23, [](double t) { return std::sin(t * t); })) == 0);  // too few snapshots to say
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Tensor h = noisy(series(60, waves), 0.05, seed);
    CHECK(least_skill(h) > exact_skill);
    CHECK(least_skill(h) < 3 * forecast_dmd(h, 500).skill);  // an estimate of a bound
    CHECK(law_of(glocal_forecast(h, Law{}.outer(60), 0, 500)));
  }
  Tensor broken = series(60, waves);
  broken.data<double>()[30] = std::nan("");
  CHECK_THROWS_AS(glocal_forecast(broken, Law{}.outer(60), 0, 500), NumericError);
}

// s' = r s + (1 - r) phi and E = s: after n steps with phi, h = 1 - r^n exactly.
TEST_CASE("glocal: of linear training the forecast is the exact hypergradient of all steps that are left") {
  const std::vector<double> rates{0.9, 0.8};
  FlatProblem problem;
  problem.init = [](const Vars&) { return Vars{number(3), number(-2)}; };
  problem.step = [rates](const Vars& s, const Vars& phi, std::int64_t) {
    Vars next;
    for (std::size_t i = 0; i < 2; ++i) next.push_back(rates[i] * s[i] + (1 - rates[i]) * phi[i]);
    return next;
  };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return s[0] + s[1]; };
  EstimatorOptions options;
  options.tau = 24;
  options.extrapolation = Extrapolation::dmd;
  const auto glocal = make_estimator("glocal", options);
  Progress progress{problem.init({}), {}, 0, 60};
  for (const double left : {60, 36}) {
    const Estimate got = glocal->advance(problem, {number(1), number(2)}, progress);
    for (std::size_t i = 0; i < 2; ++i) CHECK(got.h[i] == doctest::Approx(1 - std::pow(rates[i], left)).epsilon(1e-8));
  }
}

TEST_CASE("glocal: blocks shorter than the power law needs go by dmd unless scaling was asked for") {
  const FlatProblem problem = heavy_ball(5, 0.1);
  const Vars phi{number(std::log(0.3)), number(1.0), number(std::log(1e-3))};
  EstimatorOptions options;
  for (options.tau = 3; options.tau <= shortest_scaling; ++options.tau) {
    CAPTURE(options.tau);
    Progress progress{problem.init(phi), {}, 0, 100};
    const Estimate got = make_estimator("glocal", options)->advance(problem, phi, progress);
    CHECK(progress.t == options.tau);
    REQUIRE(got.h.size() == 3);
    for (const double h : got.h) CHECK(std::isfinite(h));
  }
  options.tau = shortest_scaling - 1;
  options.extrapolation = Extrapolation::scaling;
  Progress progress{problem.init(phi), {}, 0, 100};
  CHECK_THROWS_AS(make_estimator("glocal", options)->advance(problem, phi, progress), ValueError);
}

TEST_CASE("forward: outers are E after each step, whatever is recorded") {
  const FlatProblem problem = scalar_quadratic(1.5, 2);
  const Vars phi{number(0.1), number(0.5)};
  const ForwardRun run = run_forward(problem, problem.init(phi), zero_tangents(2, 2), phi, 0, 12, true);
  REQUIRE(run.outers.shape() == Shape{12});
  Vars s = problem.init(phi);
  for (std::int64_t t = 0; t < 12; ++t) {
    s = problem.step(s, phi, t);
    CHECK(run.outers.at(t) == doctest::Approx(problem.outer(s, phi, 0).item()).epsilon(1e-14));
  }
  CHECK(run.outer == run.outers.at(11));
  CHECK_FALSE(run_forward(problem, problem.init(phi), zero_tangents(2, 2), phi, 0, 12, false).outers);
}

TEST_CASE("forward: growth is the power of t by which tangents grow") {
  // w' = w + phi: z = t. w' = (1 + phi) w: at phi = 1, z = t 2^(t - 1).
  FlatProblem problem = scalar_quadratic(1, 1);
  problem.init = [](const Vars&) { return Vars{number(1)}; };
  problem.step = [](const Vars& s, const Vars& phi, std::int64_t) { return Vars{s[0] + phi[0]}; };
  const auto growth = [&](double phi, std::int64_t tau, Tangents z) {
    Progress progress{problem.init({number(phi)}), std::move(z), 0, tau};
    return run_forward(problem, {number(phi)}, progress, tau, false).growth;
  };
  CHECK(growth(0.1, 40, zero_tangents(1, 1)) == doctest::Approx(1).epsilon(1e-12));
  CHECK(growth(0.1, 41, zero_tangents(1, 1)) == doctest::Approx(1).epsilon(1e-12));
  CHECK(growth(0.1, 3, zero_tangents(1, 1)) == 0);
  CHECK(growth(0.1, 40, {{number(0)}}) == doctest::Approx(1).epsilon(1e-12));
  CHECK(growth(0.1, 40, {{number(1)}}) == 0);  // tangents from before say nothing of this block
  problem.step = [](const Vars& s, const Vars& phi, std::int64_t) { return Vars{(phi[0] + 1.0) * s[0]}; };
  CHECK(growth(1, 40, zero_tangents(1, 1)) == doctest::Approx(1 + 20).epsilon(1e-12));
  CHECK(growth(9, 250, zero_tangents(1, 1)) == infinity);  // z^2 is beyond the range of numbers, z is not
  problem.step = [](const Vars& s, const Vars&, std::int64_t) { return Vars{s[0]}; };
  CHECK(growth(1, 40, zero_tangents(1, 1)) == 0);
}

TEST_CASE("glocal warns where the tangents explode, and only there") {
  const double a = 1.5;
  const FlatProblem problem = scalar_quadratic(a, 1);
  EstimatorOptions options;
  options.tau = 40;
  for (const double lr : {0.01, 0.5 / a, 2.2 / a}) {
    CAPTURE(lr);
    const Vars phi{number(lr), number(0)};
    Progress progress{problem.init(phi), {}, 0, 200};
    const Estimate got = make_estimator("glocal", options)->advance(problem, phi, progress);
    const bool explodes = lr > 2 / a;
    REQUIRE(got.forecast);
    CHECK((got.note.find("explodes") != std::string::npos) == explodes);
    if (explodes) CHECK(got.forecast->unstable);
  }
}

TEST_SUITE_END();

// Shared schedules: their hypergradients, and the error of window means by formula, by simulation and estimated.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/core/random.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/sharing.h>
#include <glocal/hpo/unroll/forward.h>

#include "draws.h"
#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

// heavy_ball with a learning rate e^{u_t} of its own for every window of W steps: phi = (u (T / W,), or that many
// leaves).
FlatProblem scheduled(std::int64_t W, bool leaves) {
  const FlatProblem plain = heavy_ball(6, 0.1);
  FlatProblem problem = plain;
  const auto at = [=](const Vars& phi, std::int64_t t) {
    return Vars{leaves ? windowed(std::span(phi), t, W) : windowed(phi[0], t, W), number(0.4), number(std::log(1e-3))};
  };
  problem.init = [=](const Vars& phi) { return plain.init(at(phi, 0)); };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t t) { return plain.step(s, at(phi, t), t); };
  problem.outer = [=](const Vars& s, const Vars&, std::int64_t block) { return plain.outer(s, {}, block); };
  return problem;
}

std::vector<double> series_of(Key k, std::int64_t n, const StepNoise& noise) {
  const Tensor e = normal(k, {n}, 0, noise.sigma, DType::f64);
  std::vector<double> g;
  for (std::int64_t t = 0; t < n; ++t) g.push_back(0.8 + noise.eps * double(t) + e.at(t));
  return g;
}

}  // namespace

TEST_CASE("per-step hypergradients of a schedule: forward is reverse, and a window's mean is the shared one over W") {
  const std::int64_t T = 24;
  const Vars each{Tensor::full({T}, std::log(0.2), DType::f64)};
  const std::vector<double> steps = global_reverse(scheduled(1, false), each, T).h;
  const std::vector<double> forward = global_forward(scheduled(1, false), each, T).h;
  REQUIRE(steps.size() == 24);
  for (std::size_t t = 0; t < 24; ++t) CHECK(forward[t] == doctest::Approx(steps[t]).epsilon(1e-11));
  // Each per-step hypergradient really is one: against central differences.
  const std::vector<double> moved = differences(scheduled(1, false), each, T, 1e-3);
  for (std::size_t t = 0; t < 24; ++t) CHECK(moved[t] == doctest::Approx(steps[t]).epsilon(1e-8));
  for (std::int64_t W : {2, 4, 8, 24}) {
    CAPTURE(W);
    const Vars shared{Tensor::full({T / W}, std::log(0.2), DType::f64)};
    const Vars apart(static_cast<std::size_t>(T / W), number(std::log(0.2)));
    for (const std::vector<double>& h :
         {global_forward(scheduled(W, false), shared, T).h, global_reverse(scheduled(W, false), shared, T).h,
          global_forward(scheduled(W, true), apart, T).h, global_reverse(scheduled(W, true), apart, T).h}) {
      REQUIRE(h.size() == std::size_t(T / W));
      for (std::size_t w = 0; w < h.size(); ++w) {
        double mean = 0;
        for (std::size_t i = 0; i < std::size_t(W); ++i) mean += steps[w * std::size_t(W) + i] / double(W);
        CHECK(h[w] / double(W) == doctest::Approx(mean).epsilon(1e-11));
      }
    }
  }
}

TEST_CASE("windows of leaves of their own that have not begun have no tangent") {
  const FlatProblem problem = scheduled(4, true);
  const Vars phi(3, number(std::log(0.2)));
  const ForwardRun run = run_forward(problem, problem.init(phi), zero_tangents(3, 2), phi, 0, 8, false);
  for (std::size_t leaf = 0; leaf < 2; ++leaf) {
    CHECK(run.z[0][leaf]);
    CHECK(run.z[1][leaf]);
    CHECK_FALSE(run.z[2][leaf]);
  }
}

TEST_CASE("the mean squared error of window means is sigma^2/W + eps^2 (W^2 - 1)/12") {
  const StepNoise noise{0.7, 0.05};
  for (std::int64_t W : {1, 2, 4, 10, 32, 64}) {
    CAPTURE(W);
    const Draws draws = repeated(2000, [&](std::uint64_t i) {
      const std::vector<double> g = series_of(split(key(3), i), W, noise);
      double mean = 0, error = 0;
      for (double x : g) mean += x / double(W);
      for (std::int64_t t = 0; t < W; ++t) error += std::pow(mean - (0.8 + noise.eps * double(t)), 2) / double(W);
      return std::vector{error};
    });
    const double formula = sharing_error(noise, W);
    MESSAGE("W ", W, ": simulated ", draws.mean[0], " +- ", draws.standard_error(0), ", formula ", formula);
    CHECK(draws.standard_errors_from({formula}) < 3);
  }
}

TEST_CASE("the best window is the least of the formula and next to its cube root") {
  for (const StepNoise& noise : {StepNoise{1, 0.1}, {0.3, 0.3}, {2, 0.01}, {1, 1}, {0.2, 1}, {5, 0.004}})
    for (std::int64_t longest : {1, 5, 40, 400}) {
      CAPTURE(noise.sigma);
      CAPTURE(longest);
      std::int64_t least = 1;
      for (std::int64_t W = 2; W <= longest; ++W)
        if (sharing_error(noise, W) < sharing_error(noise, least)) least = W;
      CHECK(best_window(noise, longest) == least);
    }
  CHECK(std::abs(double(best_window({1, 0.001}, 100000)) - std::cbrt(6e6)) < 1);
  CHECK(best_window({1, 0}, 123) == 123);
  CHECK(best_window({0, 0}, 123) == 123);
  CHECK(best_window({0, 1}, 123) == 1);
  CHECK(best_window({1e300, 1e-300}, 123) == 123);
}

TEST_CASE("sigma and eps are estimated without bias in their squares, on one line and on a roof of two") {
  const StepNoise noise{0.5, 0.06};
  for (bool roof : {false, true}) {
    CAPTURE(roof);
    const Draws draws = repeated(2000, [&](std::uint64_t i) {
      std::vector<double> g = series_of(split(key(11), 2 * i), 20, noise);
      std::vector<double> down = series_of(split(key(11), 2 * i + 1), 20, {noise.sigma, roof ? -noise.eps : noise.eps});
      if (!roof)
        for (double& x : down) x += 20 * noise.eps;
      g.insert(g.end(), down.begin(), down.end());
      const StepNoise got = step_noise(g, roof ? 20 : 0);
      return std::vector{got.sigma * got.sigma, got.eps * got.eps};
    });
    CHECK(draws.standard_errors_from({noise.sigma * noise.sigma, noise.eps * noise.eps}) < 3);
  }
  std::vector<double> line;
  for (int t = 0; t < 9; ++t) line.push_back(3 - 0.5 * t);
  CHECK(step_noise(line).sigma == doctest::Approx(0).epsilon(1e-14));
  CHECK(step_noise(line).eps == doctest::Approx(0.5).epsilon(1e-14));
  CHECK(step_noise(std::vector{1.0, 3.0, 1.0}).eps == 0);
}

TEST_CASE("sharing refuses what is out of range") {
  const Var values = Tensor::zeros({3}, DType::f64);
  CHECK_THROWS_AS(windowed(values, 12, 4), ValueError);
  CHECK_THROWS_AS(windowed(values, -1, 4), ValueError);
  CHECK_THROWS_AS(windowed(values, 0, 0), ValueError);
  CHECK_THROWS_AS(windowed(Var(Tensor::zeros({3, 1}, DType::f64)), 0, 1), ShapeError);
  const Vars leaves(2, values);
  CHECK_THROWS_AS(windowed(std::span(leaves), 8, 4), ValueError);
  CHECK_THROWS_AS(sharing_error({1, 1}, 0), ValueError);
  CHECK_THROWS_AS(sharing_error({-1, 1}, 1), ValueError);
  CHECK_THROWS_AS(best_window({1, std::nan("")}, 5), ValueError);
  CHECK_THROWS_AS(best_window({1, 1}, 0), ValueError);
  const std::vector<double> few{1, 2}, bad{1, 2, std::nan("")};
  CHECK_THROWS_AS(step_noise(few), ValueError);
  CHECK_THROWS_AS(step_noise(bad), ValueError);
  CHECK_THROWS_AS(step_noise(std::vector<double>(5), 6), ValueError);
}

TEST_SUITE_END();

// Random directions against the exact hypergradient: the mean, the variance and its fall with their number.
#include <doctest/doctest.h>

#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/predict.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/estimators/random_forward.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/tune/tune.h>

#include "draws.h"
#include "quadratic.h"
#include "small_net.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

Vars three() { return {number(std::log(0.3)), number(1.0), number(std::log(1e-3))}; }

EstimatorOptions block_of(std::int64_t tau, std::int64_t directions = 1) {
  EstimatorOptions options;
  options.tau = tau;
  options.directions = directions;
  return options;
}

double norm_squared(const std::vector<double>& h) {
  double sum = 0;
  for (double x : h) sum += x * x;
  return sum;
}

}  // namespace

TEST_CASE("the problem along directions has their directional derivatives in both modes") {
  const FlatProblem problem = heavy_ball(20, 0.01);
  const std::vector<double> h = global_reverse(problem, three(), 8).h;
  const std::vector<Vars> v{{number(1), number(-2), number(0.5)}, {number(0), number(3), number(1)}};
  const FlatProblem view = along(problem, three(), v);
  const Vars psi{number(0), number(0)};
  for (const Hypergradient& got : {global_forward(view, psi, 8), global_reverse(view, psi, 8)}) {
    CHECK(got.h[0] == doctest::Approx(h[0] - 2 * h[1] + 0.5 * h[2]).epsilon(1e-12));
    CHECK(got.h[1] == doctest::Approx(3 * h[1] + h[2]).epsilon(1e-12));
  }
  CHECK(view.loss(problem.init(three()), psi, 0).item() == problem.loss(problem.init(three()), three(), 0).item());
  CHECK_THROWS_AS(along(problem, three(), {{number(1)}}), ShapeError);
  CHECK_THROWS_AS(along(problem, three(), {{number(1), number(1), Var(Tensor::zeros({2}, DType::f64))}}), ShapeError);
}

TEST_CASE("random-forward is local on average and its variance is the closed form") {
  // Var = sum_k sum_{j != k} h_j^2 / b = (q - 1) |h|^2 / b in all.
  struct Case {
    std::string what;
    FlatProblem problem;
  };
  for (const auto& [what, problem] : {Case{"quadratic", heavy_ball(20, 0.01)}, Case{"network", small_net()}}) {
    CAPTURE(what);
    const std::vector<double> exact = estimates("local", block_of(5), 0, problem, three(), 1);
    const Draws draws =
        repeated(1000, [&](auto seed) { return estimates("random-forward", block_of(5), seed, problem, three(), 1); });
    MESSAGE(what, ": ", draws.standard_errors_from(exact), " standard errors");
    CHECK(draws.standard_errors_from(exact) < 3);
    CHECK(draws.total_variance() == doctest::Approx(2 * norm_squared(exact)).epsilon(0.05));
  }
}

TEST_CASE("random-forward: the variance falls as one over the number of directions") {
  const FlatProblem problem = heavy_ball(10, 0.05);
  const double h2 = norm_squared(estimates("local", block_of(3), 0, problem, three(), 1));
  std::vector<double> count, variance;
  for (std::int64_t b : {1, 2, 4, 8, 16}) {
    const Draws draws = repeated(
        400, [&](auto seed) { return estimates("random-forward", block_of(3, b), seed, problem, three(), 1); });
    count.push_back(double(b));
    variance.push_back(draws.total_variance());
    CHECK(variance.back() == doctest::Approx(2 * h2 / double(b)).epsilon(0.25).scale(0));
  }
  const double slope = log_log_slope(count, variance);
  MESSAGE("fitted exponent ", slope);
  CHECK(std::abs(slope + 1) < 0.1);
}

TEST_CASE("random-forward over q directions of one leaf of many numbers, its trajectory and its blocks") {
  // s' = s + u . c, E = s^2 / 2 from s = 0: h_t = t^2 (u . c) c. One component more than a direction sees at once.
  const std::int64_t q = 50;
  std::vector<double> u, c;
  for (std::int64_t k = 0; k < q; ++k) {
    u.push_back(0.1 + 0.01 * double(k));
    c.push_back(std::cos(double(k)));
  }
  const Tensor C = Tensor::from(c, {q});
  double uc = 0;
  for (std::size_t k = 0; k < u.size(); ++k) uc += u[k] * c[k];
  FlatProblem problem;
  problem.init = [](const Vars&) { return Vars{number(0)}; };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t) { return Vars{s[0] + dot(phi[0], C)}; };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return 0.5 * square(s[0]); };
  const Vars phi{Tensor::from(u, {q})};

  EstimatorOptions options = block_of(4, 3);
  options.trajectory = true;
  Progress progress{problem.init(phi), {}, 0, 100};
  const auto estimator = make_estimator("random-forward", options);
  const Estimate first = estimator->advance(problem, phi, progress),
                 second = estimator->advance(problem, phi, progress);
  REQUIRE(first.trajectory.shape() == Shape{4, q});
  double cosine = 0;
  for (std::int64_t k = 0; k < q; ++k) {
    const auto at = static_cast<std::size_t>(k);
    CHECK(first.trajectory.at(3 * q + k) == doctest::Approx(first.h[at]).epsilon(1e-14));
    CHECK(16 * first.trajectory.at(k) == doctest::Approx(first.h[at]).epsilon(1e-12));
    cosine += first.h[at] * second.h[at];
  }
  CHECK(progress.t == 8);
  CHECK(progress.s[0].item() == doctest::Approx(8 * uc).epsilon(1e-13));
  // The same directions twice would make both blocks parallel; each is (1/3) sum (h . v) v, so h . estimate >= 0.
  CHECK(std::abs(cosine) < 0.9 * std::sqrt(norm_squared(first.h) * norm_squared(second.h)));
  // The same seed, the same bits; another seed, other directions.
  options.trajectory = false;
  CHECK(estimates("random-forward", options, 7, problem, phi, 2) ==
        estimates("random-forward", options, 7, problem, phi, 2));
  CHECK(estimates("random-forward", options, 7, problem, phi, 1) !=
        estimates("random-forward", options, 8, problem, phi, 1));
}

TEST_CASE("random-forward: predicted cost grows with the directions and not with q") {
  Probe p;
  p.q = 100;
  p.step_seconds = 1;
  p.forward_seconds = 201;  // two plain steps a tangent
  p.outer_seconds = 50;
  // 45 steps: two blocks of a step with four tangents, and a last one of plain training.
  CHECK(predict(p, "random-forward", block_of(15, 4), 45, 1).seconds == 2 * (15 * 9 + 50) + 15);

  const FlatProblem problem = heavy_ball(20000, 0.01);
  const Probe measured = probe(problem, three());
  for (std::int64_t b : {1, 9}) {
    CAPTURE(b);
    const double predicted = double(predict(measured, "random-forward", block_of(15, b), 45, 1).bytes);
    TuneOptions options{
        .estimator = "random-forward", .estimator_options = block_of(15, b), .meta = {.lr = 1e-9}, .T = 45};
    const double peak = double(tune(problem, three(), options).peak_bytes);
    MESSAGE(b, " directions: predicted ", predicted, " bytes, measured ", peak);
    CHECK(predicted > 0.7 * peak);
    CHECK(predicted < 1.5 * peak);
  }
}

TEST_CASE("a probe of many hyperparameters carries a few tangents and counts them all") {
  // A learning rate for each of 2000 weights: 2000 tangents of 16 kB would be 32 MB a set.
  const std::int64_t q = 2000;
  FlatProblem problem;
  problem.init = [=](const Vars&) { return Vars{Var(Tensor::full({q}, 1.0, DType::f64))}; };
  problem.step = [](const Vars& s, const Vars& phi, std::int64_t) { return Vars{s[0] - exp(phi[0]) * s[0]}; };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return sum(square(s[0])); };
  reset_peak_memory();
  const std::int64_t before = memory_use().live_bytes;
  const Probe measured = probe(problem, {Var(Tensor::full({q}, -2.0, DType::f64))});
  CHECK(memory_use().peak_bytes - before < 2'000'000);
  CHECK(measured.q == q);
  CHECK(measured.forward_bytes > 2 * q * q * 8);
  CHECK(measured.forward_bytes < 8 * q * q * 8);
}

TEST_CASE("a number of directions out of range is refused") {
  CHECK_THROWS_AS(make_estimator("random-forward", block_of(5, 0)), ValueError);
  CHECK_THROWS_AS(make_estimator("random-forward", block_of(5, -3)), ValueError);
}

TEST_SUITE_END();

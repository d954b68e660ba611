// Evolution strategies, truncated and persistent, against exact hypergradients and known biases.
#include <doctest/doctest.h>

#include <glocal/hpo/estimators/evolution.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/predict.h>
#include <glocal/hpo/estimators/probe.h>
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

EstimatorOptions block_of(std::int64_t tau, double sigma, std::int64_t pairs = 1) {
  EstimatorOptions options;
  options.tau = tau;
  options.sigma = sigma;
  options.particles = pairs;
  return options;
}

// The derivative of E after B tau steps through all of them, for B = 1 .. blocks: what pes estimates.
std::vector<double> through_all_blocks(const FlatProblem& problem, const Vars& phi, std::int64_t tau,
                                       std::int64_t blocks) {
  std::vector<double> all;
  for (std::int64_t B = 1; B <= blocks; ++B) {
    const std::vector<double> h = global_forward(problem, phi, B * tau).h;
    all.insert(all.end(), h.begin(), h.end());
  }
  return all;
}

// Components of all blocks added up, block by block.
std::vector<double> summed(const std::vector<double>& blocks, std::size_t q) {
  std::vector<double> sum(q);
  for (std::size_t i = 0; i < blocks.size(); ++i) sum[i % q] += blocks[i];
  return sum;
}

double norm_squared(const std::vector<double>& h) {
  double sum = 0;
  for (double x : h) sum += x * x;
  return sum;
}

// Heavy ball pulled by phi: v' = 0.6 v + (w - phi), w' = w - 0.2 v', E = (w - 2)^2 / 2 + w phi / 4. The state is linear
// in phi and E quadratic in both, so that smoothing by any sigma leaves the gradient as it is.
FlatProblem pulled() {
  FlatProblem problem;
  problem.init = [](const Vars& phi) { return Vars{0.5 * phi[0] + 3.0, number(0)}; };
  problem.step = [](const Vars& s, const Vars& phi, std::int64_t) {
    const Var v = 0.6 * s[1] + (s[0] - phi[0]);
    return Vars{s[0] - 0.2 * v, v};
  };
  problem.outer = [](const Vars& s, const Vars& phi, std::int64_t) {
    return 0.5 * square(s[0] - 2.0) + 0.25 * (s[0] * phi[0]);
  };
  return problem;
}

}  // namespace

TEST_CASE("es and pes are exact on average over one block") {
  struct Case {
    std::string what;
    FlatProblem problem;
    std::int64_t count;
  };
  // With sigma = 1e-3 the bias, about 1e-6 of h, is far below the standard error.
  for (const auto& [what, problem, count] :
       {Case{"quadratic", heavy_ball(20, 0.01), 2000}, Case{"network", small_net(), 500}})
    for (const std::string name : {"es", "pes"}) {
      CAPTURE(what);
      CAPTURE(name);
      const std::vector<double> exact = global_forward(problem, three(), 5).h;
      const Draws draws =
          repeated(count, [&](auto seed) { return estimates(name, block_of(5, 1e-3), seed, problem, three(), 1); });
      MESSAGE(what, ", ", name, ": ", draws.standard_errors_from(exact), " standard errors");
      CHECK(draws.standard_errors_from(exact) < 3);
      // (h . e) e has the variance (q + 1) |h|^2 in all; its own fourth moments make 2000 draws good for about 10 %.
      CHECK(draws.total_variance() == doctest::Approx(4 * norm_squared(exact)).epsilon(0.3).scale(0));
    }
}

TEST_CASE("pes is unbiased for the whole run where truncated es is biased") {
  const std::int64_t tau = 4, blocks = 4, count = 1500;
  const FlatProblem problem = heavy_ball(10, 0.05);
  const std::vector<double> whole = through_all_blocks(problem, three(), tau, blocks);
  const std::vector<double> local = estimates("local", block_of(tau, 1e-3), 0, problem, three(), blocks);
  const std::vector<double> online = estimates("local-online", block_of(tau, 1e-3), 0, problem, three(), blocks);
  for (std::size_t k = 0; k < whole.size(); ++k) CHECK(online[k] == doctest::Approx(whole[k]).epsilon(1e-11));

  // Every block by itself, then the gradient of the sum of E over the blocks.
  const auto with_sum = [](std::vector<double> h) {
    const std::vector<double> sum = summed(h, 3);
    h.insert(h.end(), sum.begin(), sum.end());
    return h;
  };
  const auto drawn = [&](const std::string& name) {
    return repeated(count, [&](auto seed) {
      return with_sum(estimates(name, block_of(tau, 1e-3), seed, problem, three(), blocks));
    });
  };
  const Draws pes = drawn("pes"), es = drawn("es");
  MESSAGE("standard errors: pes from the whole run ", pes.standard_errors_from(with_sum(whole)), ", es from local ",
          es.standard_errors_from(with_sum(local)), ", es from the whole run ",
          es.standard_errors_from(with_sum(whole)));
  CHECK(pes.standard_errors_from(with_sum(whole)) < 3);
  CHECK(es.standard_errors_from(with_sum(local)) < 3);
  CHECK(es.standard_errors_from(with_sum(whole)) > 20);
}

TEST_CASE("pes: no bias at any sigma where the state is linear in phi, the initial state and E's own phi included") {
  const Vars phi{number(0.7)};
  for (double sigma : {0.1, 1.0}) {
    CAPTURE(sigma);
    const std::vector<double> whole = through_all_blocks(pulled(), phi, 3, 3);
    const Draws pes =
        repeated(3000, [&](auto seed) { return estimates("pes", block_of(3, sigma), seed, pulled(), phi, 3); });
    MESSAGE("sigma ", sigma, ": ", pes.standard_errors_from(whole), " standard errors");
    CHECK(pes.standard_errors_from(whole) < 3);
  }
  CHECK(make_estimator("pes", {})->depends_on_init());
  CHECK_FALSE(make_estimator("es", {})->depends_on_init());
}

TEST_CASE("es: the bias is that of Gaussian smoothing, 3 sigma^2 on a cubic, and none on a quadratic") {
  // s_2 = u + 1.5 from s_0 = 1.5; E = s^3: E[h] = 3 s^2 + 3 sigma^2.
  FlatProblem cubic;
  cubic.init = [](const Vars&) { return Vars{number(1.5)}; };
  cubic.step = [](const Vars& s, const Vars& phi, std::int64_t) { return Vars{s[0] + 0.5 * phi[0]}; };
  cubic.outer = [](const Vars& s, const Vars&, std::int64_t) { return s[0] * square(s[0]); };
  FlatProblem parabola = cubic;
  parabola.outer = [](const Vars& s, const Vars&, std::int64_t) { return square(s[0]); };
  const Vars phi{number(-1)};  // s_2 = 0.5
  for (double sigma : {0.25, 0.5, 1.0}) {
    CAPTURE(sigma);
    const auto drawn = [&](const FlatProblem& problem) {
      return repeated(4000, [&](auto seed) { return estimates("es", block_of(2, sigma), seed, problem, phi, 1); });
    };
    const Draws draws = drawn(cubic);
    MESSAGE("sigma ", sigma, ": bias ", draws.mean[0] - 0.75, ", 3 sigma^2 = ", 3 * sigma * sigma, ", standard error ",
            draws.standard_error(0));
    CHECK(draws.standard_errors_from({0.75 + 3 * sigma * sigma}) < 3);
    CHECK(draws.standard_errors_from({0.75}) > 4);
    CHECK(drawn(parabola).standard_errors_from({1.0}) < 3);
  }
}

TEST_CASE("es and pes: the variance falls as one over the number of pairs") {
  const FlatProblem problem = heavy_ball(5, 0.05);
  for (const std::string name : {"es", "pes"}) {
    CAPTURE(name);
    std::vector<double> count, variance;
    for (std::int64_t N : {1, 2, 4, 8, 16}) {
      const Draws draws =
          repeated(300, [&](auto seed) { return estimates(name, block_of(2, 1e-3, N), seed, problem, three(), 2); });
      count.push_back(double(N));
      variance.push_back(draws.total_variance());
    }
    const double slope = log_log_slope(count, variance);
    MESSAGE(name, ": fitted exponent ", slope);
    CHECK(std::abs(slope + 1) < 0.15);
  }
}

TEST_CASE("both signs of a pair and training itself see the same steps and one validation batch per block") {
  std::vector<std::pair<std::int64_t, double>> seen;
  std::vector<std::int64_t> watched, outers;
  FlatProblem problem;
  problem.init = [](const Vars&) { return Vars{number(0)}; };
  problem.step = [&](const Vars& s, const Vars& phi, std::int64_t t) {
    seen.emplace_back(t, phi[0].item());
    return s;
  };
  problem.outer = [&](const Vars& s, const Vars&, std::int64_t block) {
    outers.push_back(block);
    return 1.0 * s[0];
  };
  problem.watch = [&](const Vars&, std::int64_t t) { watched.push_back(t); };
  for (const std::string name : {"es", "pes"}) {
    CAPTURE(name);
    seen.clear();
    watched.clear();
    outers.clear();
    estimates(name, block_of(3, 0.5, 2), 1, problem, {number(2)}, 2);
    REQUIRE(seen.size() == 2 * 5 * 3);
    for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i].first == static_cast<std::int64_t>(i / 15 * 3 + i % 3));
    for (std::size_t pair : {0u, 6u, 15u, 21u})
      CHECK(seen[pair].second + seen[pair + 3].second == doctest::Approx(4).epsilon(1e-15));
    CHECK(seen[0].second != seen[6].second);
    CHECK(seen[0].second != seen[15].second);
    CHECK(seen[12].second == 2);
    CHECK(watched == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
    CHECK(outers == std::vector<std::int64_t>{0, 0, 0, 0, 0, 3, 3, 3, 3, 3});
  }
}

TEST_CASE("es and pes: predicted time counts runs, and predicted memory is near the measured peak") {
  Probe p;
  p.step_seconds = 1;
  p.value_seconds = 100;
  EstimatorOptions options = block_of(15, 1e-3, 4);
  // 45 steps: two blocks of nine runs, and a last one of plain training.
  for (const std::string name : {"es", "pes"})
    CHECK(predict(p, name, options, 45, 1).seconds == 2 * 9 * (15 + 100) + 15);

  const FlatProblem problem = heavy_ball(20000, 0.01);
  const Probe measured = probe(problem, three());
  for (const std::string name : {"es", "pes"}) {
    CAPTURE(name);
    const double predicted = double(predict(measured, name, options, 45, 1).bytes);
    TuneOptions tuning{.estimator = name, .estimator_options = options, .meta = {.lr = 1e-9}, .T = 45};
    const double peak = double(tune(problem, three(), tuning).peak_bytes);
    MESSAGE(name, ": predicted ", predicted, " bytes, measured ", peak);
    CHECK(predicted > 0.7 * peak);
    CHECK(predicted < 1.5 * peak);
  }
}

TEST_CASE("pes goes on from a saved Progress, and refuses that of another number of particles") {
  const FlatProblem problem = heavy_ball(5, 0.05);
  const auto pes = make_estimator("pes", block_of(3, 0.01, 2));
  Progress progress{problem.init(three()), {}, 0, 30};
  pes->advance(problem, three(), progress);
  Progress saved = progress;
  const std::vector<double> next = pes->advance(problem, three(), progress).h;
  CHECK(make_estimator("pes", block_of(3, 0.01, 2))->advance(problem, three(), saved).h == next);
  CHECK(saved.particles.size() == 2);
  CHECK(saved.particles[1].xi == progress.particles[1].xi);
  CHECK_THROWS_AS(make_estimator("pes", block_of(3, 0.01, 3))->advance(problem, three(), saved), ValueError);
  CHECK_THROWS_AS(make_estimator("pes", block_of(3, 0.01, 2))->advance(pulled(), {number(1)}, saved), ValueError);
}

TEST_CASE("a perturbed run that diverges and options out of range are named") {
  const Vars phi{number(0)};
  FlatProblem problem;
  problem.init = [](const Vars&) { return Vars{number(1)}; };
  problem.step = [](const Vars& s, const Vars& p, std::int64_t) { return Vars{s[0] * exp(500.0 * p[0])}; };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return square(s[0]); };
  CHECK_THROWS_WITH_AS(estimates("es", block_of(4, 1, 4), 0, problem, phi, 1), doctest::Contains("smaller sigma"),
                       NumericError);
  for (double sigma : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
    CHECK_THROWS_AS(make_estimator("es", block_of(4, sigma)), ValueError);
  CHECK_THROWS_AS(make_estimator("pes", block_of(4, 1, 0)), ValueError);
}

TEST_SUITE_END();

// Hypergradient descent against the dot product of successive gradients.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/hpo/estimators/estimate.h>
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

// Gradient of heavy_ball's training loss: a_i (w_i - c_i) + decay w_i, without automatic differentiation.
std::vector<double> gradient(const std::vector<double>& w, double a_min, double decay) {
  std::vector<double> g;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double x = double(i), a = std::pow(a_min, x / double(w.size() - 1));
    g.push_back(a * (w[i] - std::sin(1.7 * x + 0.3)) + decay * w[i]);
  }
  return g;
}

double inner(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::vector<double> to_list(const Var& x) { return to_components(Vars{x}, Vars{x}); }

}  // namespace

TEST_CASE("hypergradient-descent is the formula of the paper for SGD with and without momentum") {
  // d/dlr = -g' . v', d/dmu = -lr g' . v, d/ddecay = -lr g' . w; by the chain rule times lr, mu (1 - mu), decay.
  const std::int64_t d = 7, tau = 5;
  const double a_min = 0.1, lr = 0.2, decay = 0.03;
  const FlatProblem problem = heavy_ball(d, a_min);
  for (double mu : {1e-12, 0.7}) {
    CAPTURE(mu);
    const Vars phi{number(std::log(lr)), number(std::log(mu / (1 - mu))), number(std::log(decay))};
    std::vector<double> w = to_list(problem.init(phi)[0]), v(w.size()), expected(3), dot_of_gradients(1);
    for (std::int64_t t = 0; t < tau; ++t) {
      const std::vector<double> g = gradient(w, a_min, decay), old_w = w, old_v = v;
      for (std::size_t i = 0; i < w.size(); ++i) {
        v[i] = mu * v[i] + g[i];
        w[i] -= lr * v[i];
      }
      const std::vector<double> next = gradient(w, a_min, decay);
      expected[0] -= lr * inner(next, v) / double(tau);
      expected[1] -= mu * (1 - mu) * lr * inner(next, old_v) / double(tau);
      expected[2] -= decay * lr * inner(next, old_w) / double(tau);
      dot_of_gradients[0] -= lr * inner(next, g) / double(tau);
    }
    EstimatorOptions options;
    options.tau = tau;
    Progress progress{problem.init(phi), {}, 0, 100};
    const Estimate got = make_estimator("hypergradient-descent", options)->advance(problem, phi, progress);
    for (std::size_t k = 0; k < 3; ++k) CHECK(got.h[k] == doctest::Approx(expected[k]).epsilon(1e-12));
    if (mu < 1e-9) CHECK(got.h[0] == doctest::Approx(dot_of_gradients[0]).epsilon(1e-10));
    CHECK(progress.t == tau);
    for (std::size_t i = 0; i < w.size(); ++i)
      CHECK(progress.s[0].value().at(static_cast<std::int64_t>(i)) == doctest::Approx(w[i]).epsilon(1e-12));
    CHECK(got.outer == problem.outer(progress.s, phi, 0).item());
  }
}

TEST_CASE("hypergradient-descent takes the next step's own batch") {
  // loss_t = c_t w^2 / 2, SGD: h_u = -lr c_{t+1} w_{t+1} c_t w_t for u = log lr.
  const auto pace = [](std::int64_t t) { return 1 + 0.5 * std::cos(2.0 * double(t)); };
  FlatProblem problem;
  problem.init = [](const Vars&) { return Vars{number(2)}; };
  problem.loss = [=](const Vars& s, const Vars&, std::int64_t t) { return 0.5 * pace(t) * square(s[0]); };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t t) {
    return Vars{s[0] - exp(phi[0]) * (pace(t) * s[0])};
  };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return square(s[0]); };
  const double lr = 0.1;
  EstimatorOptions options;
  options.tau = 3;
  const std::vector<double> got = estimates("hypergradient-descent", options, 0, problem, {number(std::log(lr))}, 2);
  double w = 2;
  for (std::size_t block = 0; block < 2; ++block) {
    double h = 0;
    for (std::int64_t t = 3 * std::int64_t(block); t < 3 * std::int64_t(block) + 3; ++t) {
      const double g = pace(t) * w;
      w -= lr * g;
      h -= lr * pace(t + 1) * w * g / 3;
    }
    CHECK(got[block] == doctest::Approx(h).epsilon(1e-13));
  }
}

TEST_CASE("hypergradient-descent on a network is minus the dot product of successive gradients") {
  const FlatProblem problem = small_net();
  const Vars phi{number(std::log(0.1)), number(-40), number(std::log(1e-3))};  // momentum 4e-18
  EstimatorOptions options;
  options.tau = 1;
  const std::vector<double> got = estimates("hypergradient-descent", options, 0, problem, phi, 3);
  const auto g = [&](const Vars& s) {
    return grad([&](const Vars& w) { return problem.loss(w, phi, 0); })(Vars{s[0], s[1]});
  };
  Vars s = problem.init(phi);
  for (std::size_t t = 0; t < 3; ++t) {
    const Vars before = g(s);
    s = problem.step(s, phi, std::int64_t(t));
    const Vars after = g(s);
    const double product = dot(before[0], after[0]).item() + dot(before[1], after[1]).item();
    CHECK(got[3 * t] == doctest::Approx(-0.1 * product).epsilon(1e-12));
  }
}

TEST_CASE("hypergradient-descent raises a learning rate that is too small and lowers one that is too large") {
  const FlatProblem problem = heavy_ball(10, 0.2);
  EstimatorOptions options;
  options.tau = 4;
  for (const auto& [lr, sign] : {std::pair(1e-3, -1.0), {1.95, 1.0}}) {
    const Vars phi{number(std::log(lr)), number(-40), number(std::log(1e-6))};
    const std::vector<double> h = estimates("hypergradient-descent", options, 0, problem, phi, 1);
    CHECK(h[0] * sign > 0);
  }
}

TEST_CASE("hypergradient-descent: predicted time is two plain steps a step, predicted memory near the measured peak") {
  Probe p;
  p.step_seconds = 1;
  p.value_seconds = 100;
  EstimatorOptions options;
  options.tau = 15;
  CHECK(predict(p, "hypergradient-descent", options, 45, 1).seconds == 2 * (2 * 15 + 100) + 15);

  const FlatProblem problem = heavy_ball(20000, 0.01);
  const Vars phi{number(-1), number(0), number(-5)};
  const double predicted = double(predict(probe(problem, phi), "hypergradient-descent", options, 45, 1).bytes);
  TuneOptions tuning{.estimator = "hypergradient-descent", .estimator_options = options, .meta = {.lr = 1e-9}, .T = 45};
  const double peak = double(tune(problem, phi, tuning).peak_bytes);
  MESSAGE("predicted ", predicted, " bytes, measured ", peak);
  CHECK(predicted > 0.7 * peak);
  CHECK(predicted < 1.5 * peak);
}

TEST_CASE("hypergradient-descent without a training loss is refused by name") {
  FlatProblem problem = heavy_ball(3, 0.1);
  problem.loss = nullptr;
  const Vars phi{number(-1), number(0), number(-5)};
  CHECK_THROWS_WITH_AS(estimates("hypergradient-descent", {}, 0, problem, phi, 1),
                       doctest::Contains("hypergradient-descent"), ValueError);
}

TEST_SUITE_END();

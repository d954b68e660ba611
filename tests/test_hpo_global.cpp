// Exact hypergradients against closed forms, and the two modes and two unrolls against each other.
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/unroll/options.h>

#include "message_of.h"
#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

double relative(double got, double expected) { return std::abs(got - expected) / std::abs(expected); }

// w_T and dw_T / d(eta, mu) of heavy ball by doubling [M, dM; 0, M] in long double: no recursion over the steps.
struct HeavyBall {
  long double w = 0, d_eta = 0, d_mu = 0;
  HeavyBall(long double a, long double w0, long double eta, long double mu, std::int64_t T) {
    using Matrix = std::array<std::array<long double, 2>, 2>;
    const auto product = [](const Matrix& x, const Matrix& y) {
      Matrix z{};
      for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t j = 0; j < 2; ++j) z[i][j] = x[i][0] * y[0][j] + x[i][1] * y[1][j];
      return z;
    };
    const auto sum = [](Matrix x, const Matrix& y) {
      for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t j = 0; j < 2; ++j) x[i][j] += y[i][j];
      return x;
    };
    const Matrix M{{{1 - eta * a, -eta * mu}, {a, mu}}}, d_eta_M{{{-a, -mu}, {0, 0}}}, d_mu_M{{{0, -eta}, {0, 1}}};
    const auto derivative = [&](Matrix d_power) {
      Matrix power = M, result{{{1, 0}, {0, 1}}}, d_result{};
      for (std::int64_t n = T; n; n /= 2) {
        if (n % 2) {
          d_result = sum(product(d_result, power), product(result, d_power));
          result = product(result, power);
        }
        d_power = sum(product(d_power, power), product(power, d_power));
        power = product(power, power);
      }
      w = result[0][0] * w0;
      return d_result[0][0] * w0;
    };
    d_eta = derivative(d_eta_M);
    d_mu = derivative(d_mu_M);
  }
};

}  // namespace

TEST_CASE("NumericError names the step at which an exploding run left the finite numbers, in every estimator") {
  // w' = (1 - lr a) w with lr a = 1e20: beyond f64 after the 16th step.
  FlatProblem problem = scalar_quadratic(1, 1);
  problem.names = {"lr", "momentum"};
  const Vars phi{number(1e20), number(0)};
  for (const Unroll unroll : {Unroll::stored, Unroll::checkpointed}) {
    const std::string text = message_of<NumericError>([&] { global_reverse(problem, phi, 40, unroll); });
    CAPTURE(text);
    CHECK(text.find("left the finite numbers at step 16;") != std::string::npos);
  }
  const std::string forward = message_of<NumericError>([&] { global_forward(problem, phi, 40); });
  CAPTURE(forward);
  CHECK(forward.find("at step 8:") != std::string::npos);  // where E, a square, left them
  for (const std::string& name : estimator_names()) {
    if (name.starts_with("implicit-") || name == "hypergradient-descent") continue;  // they need a training loss
    CAPTURE(name);
    Progress progress{problem.init(phi), {}, 0, 40};
    EstimatorOptions options;
    options.tau = 40;
    CHECK_THROWS_AS(make_estimator(name, options)->advance(problem, phi, progress), NumericError);
  }
}

TEST_CASE("SGD on a quadratic: closed-form hypergradient up to T 10000") {
  const double a = 2, w0 = 1.3, eta = 5e-4;
  const FlatProblem problem = scalar_quadratic(a, w0);
  const Vars phi{number(eta), number(0)};
  for (std::int64_t T : {1, 2, 3, 10, 100, 1000, 10000}) {
    CAPTURE(T);
    const double exact = -double(T) * a * w0 * w0 * std::pow(1 - eta * a, double(2 * T - 1));
    CHECK(relative(global_reverse(problem, phi, T).h[0], exact) < 1e-11);
    CHECK(relative(global_forward(problem, phi, T).h[0], exact) < 1e-11);
  }
}

TEST_CASE("heavy ball on a quadratic: both hypergradients against matrix powers") {
  const double a = 1.5, w0 = 0.8, eta = 3e-3, mu = 0.6;
  const FlatProblem problem = scalar_quadratic(a, w0);
  const Vars phi{number(eta), number(mu)};
  for (std::int64_t T : {1, 2, 7, 50, 1000, 3000}) {
    CAPTURE(T);
    const HeavyBall exact(a, w0, eta, mu, T);
    const Hypergradient reverse = global_reverse(problem, phi, T), forward = global_forward(problem, phi, T);
    const double d_eta = double(exact.w * exact.d_eta), d_mu = double(exact.w * exact.d_mu);
    CHECK(relative(reverse.h[0], d_eta) < 1e-11);
    CHECK(relative(forward.h[0], d_eta) < 1e-11);
    if (T == 1) {
      // v_0 = 0, so the first step does not feel the momentum.
      CHECK(reverse.h[1] == 0);
      CHECK(forward.h[1] == 0);
    } else {
      CHECK(relative(reverse.h[1], d_mu) < 1e-11);
      CHECK(relative(forward.h[1], d_mu) < 1e-11);
    }
  }
}

TEST_CASE("checkpointed and stored unrolls have equal bits for every segment length") {
  const FlatProblem problem = heavy_ball(20, 0.01);
  const Vars phi{number(std::log(0.3)), number(1.0), number(std::log(1e-3))};
  for (std::int64_t T : {0, 1, 2, 17, 60}) {
    const Hypergradient stored = global_reverse(problem, phi, T, Unroll::stored);
    for (std::int64_t segment : {0, 1, 2, 5, 16, 17, 100}) {
      CAPTURE(T);
      CAPTURE(segment);
      const Hypergradient checkpointed = global_reverse(problem, phi, T, segment_plan(T, segment));
      CHECK(checkpointed.h == stored.h);
      CHECK(checkpointed.outer == stored.outer);
      CHECK(same_bits(checkpointed.s[0].value(), stored.s[0].value()));
    }
    CHECK(global_reverse(problem, phi, T, Unroll::checkpointed).h == stored.h);
  }
}

TEST_CASE("forward reverse and finite differences agree on a heavy-ball quadratic") {
  const FlatProblem problem = heavy_ball(20, 0.01);
  const Vars phi{number(std::log(0.3)), number(1.0), number(std::log(1e-3))};
  for (std::int64_t T : {1, 2, 7, 40}) {
    CAPTURE(T);
    const std::vector<double> reverse = global_reverse(problem, phi, T).h, forward = global_forward(problem, phi, T).h;
    const std::vector<double> fd = differences(problem, phi, T, 1e-3);
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(std::abs(reverse[k] - forward[k]) <= 1e-12 * (1 + std::abs(forward[k])));
      CHECK(std::abs(forward[k] - fd[k]) <= 1e-9 * (1 + std::abs(fd[k])));
    }
  }
}

TEST_CASE("the initial state may depend on hyperparameters") {
  // s_0 = phi, s' = s / 2, E = s^2 / 2: dE/dphi = phi / 4^T, plus the direct term 3.
  FlatProblem problem;
  problem.init = [](const Vars& phi) { return Vars{phi[0]}; };
  problem.step = [](const Vars& s, const Vars&, std::int64_t) { return Vars{0.5 * s[0]}; };
  problem.outer = [](const Vars& s, const Vars& phi, std::int64_t) { return 0.5 * square(s[0]) + 3.0 * phi[0]; };
  for (std::int64_t T : {0, 1, 5}) {
    const double exact = 2.0 / std::pow(4.0, double(T)) + 3;
    CHECK(global_reverse(problem, {number(2)}, T).h[0] == doctest::Approx(exact).epsilon(1e-14));
    CHECK(global_forward(problem, {number(2)}, T).h[0] == doctest::Approx(exact).epsilon(1e-14));
  }
}

TEST_CASE("a hyperparameter vector gives one component per element") {
  // s' = s - phi[t mod 3] * s with E = s: components are -s_T * count / (1 - phi_j).
  FlatProblem problem;
  problem.init = [](const Vars&) { return Vars{number(1)}; };
  problem.step = [](const Vars& s, const Vars& phi, std::int64_t t) {
    return Vars{s[0] - reshape(slice(phi[0], 0, t % 3, t % 3 + 1), {}) * s[0]};
  };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return s[0]; };
  const std::vector<double> rates{0.1, 0.2, 0.3};
  const Vars phi{Tensor::from(rates, {3})};
  const Hypergradient reverse = global_reverse(problem, phi, 7), forward = global_forward(problem, phi, 7);
  const double end = std::pow(0.9, 3) * std::pow(0.8, 2) * std::pow(0.7, 2);
  const double counts[] = {3, 2, 2};
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(relative(reverse.h[k], -end * counts[k] / (1 - rates[k])) < 1e-13);
    CHECK(relative(forward.h[k], reverse.h[k]) < 1e-13);
  }
}

TEST_CASE("a typed problem is the flat one") {
  struct State {
    Var w;
    auto fields() { return std::tie(w); }
  };
  struct Hyper {
    Var lr, decay;
    auto fields() { return std::tie(lr, decay); }
  };
  Problem<State, Hyper> typed;
  typed.init = [](const Hyper&) { return State{number(1.5)}; };
  typed.step = [](const State& s, const Hyper& h, std::int64_t) {
    return State{s.w - h.lr * (2.0 * s.w + h.decay * s.w)};
  };
  typed.outer = [](const State& s, const Hyper&, std::int64_t) { return square(s.w); };
  const Hyper hyper{number(0.1), number(0.3)};
  const Hypergradient got = global_reverse(flat(typed, hyper), flatten(hyper), 4);
  // w_T = w0 r^T, r = 1 - lr (2 + decay): dE/dlr = -2 T w_T^2 (2 + decay) / r, dE/ddecay = -2 T w_T^2 lr / r.
  const double r = 1 - 0.1 * 2.3, w = 1.5 * std::pow(r, 4);
  CHECK(got.h[0] == doctest::Approx(-2 * 4 * w * w * 2.3 / r).epsilon(1e-13));
  CHECK(got.h[1] == doctest::Approx(-2 * 4 * w * w * 0.1 / r).epsilon(1e-13));
}

TEST_SUITE_END();

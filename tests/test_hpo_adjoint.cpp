// The adjoint of a step by reverse mode and by both modes: equal to each other and to differences.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/unroll/options.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>

#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

constexpr DType f64 = DType::f64;

// An MLP 6-5-3 with tanh and a weight decay e^phi_0 inside the loss, by an optimiser whose learning rate is e^phi_1
// and whose momentum (beta1) is sigmoid(phi_2); the step is written through its gradient.
FlatProblem mlp(const std::string& optimizer_name) {
  const auto optimizer = std::make_shared<const optim::Optimizer>(optim::make_optimizer(optimizer_name));
  const Vars start{normal(key(1), {6, 5}, 0, 0.5, f64), Tensor::zeros({5}, f64), normal(key(2), {5, 3}, 0, 0.5, f64),
                   Tensor::zeros({3}, f64)};
  const auto error = [](const Vars& s, std::uint64_t batch) {
    const Tensor x = normal(split(key(3), batch), {7, 6}, 0, 1, f64);
    const Tensor y = normal(split(key(4), batch), {7, 3}, 0, 1, f64);
    return mean(square(linear(tanh(linear(x, s[0], s[1])), s[2], s[3]) - Var(y)));
  };
  FlatProblem problem;
  problem.init = [=](const Vars&) {
    Vars s = start;
    for (const Var& buffer : optimizer->init(start)) s.push_back(buffer);
    return s;
  };
  problem.loss = [=](const Vars& s, const Vars& phi, std::int64_t t) {
    return error(s, std::uint64_t(t)) + 0.5 * exp(phi[0]) * (sum(square(s[0])) + sum(square(s[2])));
  };
  problem.update = [=](const Vars& s, const Vars& g, const Vars& phi, std::int64_t t) {
    Vars hyper;
    for (const optim::HyperInfo& info : optimizer->hyper)
      hyper.push_back(info.name == "lr"                                 ? exp(phi[1])
                      : info.name == "momentum" || info.name == "beta1" ? sigmoid(phi[2])
                                                                        : number(info.initial));
    const auto middle = s.begin() + 4;
    optim::Step next =
        optimizer->step(hyper, {s.begin(), middle}, {g.begin(), g.begin() + 4}, {middle, s.end()}, t + 1);
    next.params.insert(next.params.end(), next.state.begin(), next.state.end());
    return next.params;
  };
  problem.step = [loss = problem.loss, update = problem.update](const Vars& s, const Vars& phi, std::int64_t t) {
    return update(s, grad([&](const Vars& v) { return loss(v, phi, t); })(s), phi, t);
  };
  problem.outer = [=](const Vars& s, const Vars&, std::int64_t) { return error(s, 1000); };
  return problem;
}
Vars mlp_phi() { return {number(-3), number(-3), number(0.5)}; }

// heavy_ball of quadratic.h through its gradient.
FlatProblem split_heavy_ball() {
  FlatProblem problem = heavy_ball(20, 0.01);
  Tensor A({20}, f64), C({20}, f64);
  for (std::int64_t i = 0; i < 20; ++i) {
    A.data<double>()[i] = std::pow(0.01, double(i) / 19);
    C.data<double>()[i] = std::sin(1.7 * double(i) + 0.3);
  }
  problem.loss = [=](const Vars& s, const Vars& phi, std::int64_t) {
    return 0.5 * (sum(Var(A) * square(s[0] - Var(C))) + exp(phi[2]) * sum(square(s[0])));
  };
  problem.update = [](const Vars& s, const Vars& g, const Vars& phi, std::int64_t) {
    CHECK(!g[1]);  // the velocity does not enter the loss
    const Var v = sigmoid(phi[1]) * s[1] + g[0];
    return Vars{s[0] - exp(phi[0]) * v, v};
  };
  return problem;
}

void check_modes(const FlatProblem& problem, const Vars& phi, std::int64_t T) {
  for (const UnrollPlan& plan : {stored_plan(T), segment_plan(T)}) {
    const Hypergradient reverse = global_reverse(problem, phi, T, plan);
    const Hypergradient mixed = global_reverse(problem, phi, T, plan, Adjoint::mixed);
    const std::vector<double> fd = differences(problem, phi, T, 1e-3);
    CHECK(mixed.outer == doctest::Approx(reverse.outer).epsilon(1e-14));
    for (std::size_t k = 0; k < fd.size(); ++k) {
      CHECK(std::abs(mixed.h[k] - reverse.h[k]) <= 1e-12 * (1e-3 + std::abs(reverse.h[k])));
      CHECK(std::abs(mixed.h[k] - fd[k]) <= 1e-8 * (1 + std::abs(fd[k])));
    }
  }
}

}  // namespace

TEST_CASE("mixed adjoint: equal to reverse and differences on a heavy-ball quadratic") {
  const Vars phi{number(std::log(0.3)), number(1.0), number(std::log(1e-3))};
  for (std::int64_t T : {1, 2, 9, 30}) check_modes(split_heavy_ball(), phi, T);
}

TEST_CASE("mixed adjoint: equal to reverse and differences for an MLP by momentum and by Adam") {
  for (const std::string optimizer : {"sgd", "nesterov", "adam", "adamw"}) {
    CAPTURE(optimizer);
    for (std::int64_t T : {1, 3, 12}) check_modes(mlp(optimizer), mlp_phi(), T);
  }
}

TEST_CASE("mixed adjoint: global measures both and says what it chose, or what is missing") {
  EstimatorOptions options;
  const auto estimate = [&](const FlatProblem& problem, const Vars& phi) {
    Progress progress{problem.init(phi), {}, 0, 6};
    return make_estimator("global", options)->advance(problem, phi, progress);
  };
  const Estimate reverse = estimate(mlp("adam"), mlp_phi());
  for (const Adjoint adjoint : {Adjoint::mixed, Adjoint::measured}) {
    options.adjoint = adjoint;
    const Estimate got = estimate(mlp("adam"), mlp_phi());
    for (std::size_t k = 0; k < 3; ++k) CHECK(got.h[k] == doctest::Approx(reverse.h[k]).epsilon(1e-12));
    CHECK((got.note.find("by both modes") != std::string::npos) == (adjoint == Adjoint::measured));
  }
  FlatProblem without = mlp("adam");
  without.update = nullptr;
  const Estimate got = estimate(without, mlp_phi());
  CHECK(got.h == reverse.h);
  CHECK(got.note.find("does not give its update") != std::string::npos);
  options.adjoint = Adjoint::mixed;
  CHECK_THROWS_AS(estimate(without, mlp_phi()), ValueError);
}

TEST_SUITE_END();

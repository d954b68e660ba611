// Predicted memory against the measured peak of the run itself, where every term of the prediction is large, and the
// gradient evaluations of each estimator against a count by hand.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/core/memory.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/predict.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/tune/search_run.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/hpo/unroll/options.h>
#include <glocal/hpo/unroll/unroll_plan.h>

#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

namespace {

constexpr std::int64_t d = 1 << 13;

// d weights in q groups, each with a learning rate of its own.
FlatProblem grouped(std::int64_t q) {
  const Tensor start = normal(key(1), {q, d / q}, 0, 1, DType::f64);
  FlatProblem problem;
  problem.init = [=](const Vars&) { return Vars{start.clone(), Tensor::zeros({1}, DType::f64)}; };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t) {
    return Vars{s[0] - reshape(exp(phi[0]), Shape{q, 1}) * s[0], 1.0 * s[1]};
  };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return 0.5 * sum(square(s[0])); };
  problem.loss = [=](const Vars& s, const Vars& phi, std::int64_t) {
    return 0.5 * sum(reshape(exp(phi[0]), Shape{q, 1}) * square(s[0]));
  };
  return problem;
}
Vars rates(std::int64_t q) { return Vars{Tensor::full({q}, -6, DType::f64)}; }

double ratio(const FlatProblem& problem, std::int64_t q, const std::string& estimator, EstimatorOptions options) {
  const Vars phi = rates(q);
  const Probe measured = probe(problem, phi);
  options.tau = 8;
  const double predicted = double(predict(measured, estimator, options, 24, 1).bytes - measured.base_bytes);
  TuneOptions tuning{.estimator = estimator, .estimator_options = options, .meta = {.lr = 1e-9}, .T = 24, .updates = 1};
  return predicted / double(tune(problem, phi, tuning).peak_bytes - measured.base_bytes);
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("cost: predicted memory is the measured peak to a twentieth, with few and with many hyperparameters") {
    for (const std::int64_t q : {4, 64}) {
      CAPTURE(q);
      const FlatProblem problem = grouped(q);
      const Probe p = probe(problem, rates(q));
      const double plain = double(train(problem, rates(q), 24).peak_bytes - p.base_bytes);
      CHECK(double(predict_training(p, 24).bytes - p.base_bytes) == doctest::Approx(plain).epsilon(0.01));
      EstimatorOptions options;
      options.particles = 6;
      options.directions = 6;
      for (const std::string name : {"global", "global-forward", "local", "local-restart", "local-online", "truncated",
                                     "one-step", "glocal", "es", "pes"}) {
        CAPTURE(name);
        CHECK(ratio(problem, q, name, options) == doctest::Approx(1).epsilon(0.05));
      }
      CHECK(ratio(problem, q, "random-forward", options) == doctest::Approx(1).epsilon(0.1));
      options.unroll_bytes = 7 * p.state_bytes;
      CHECK(ratio(problem, q, "global", options) == doctest::Approx(1).epsilon(0.2));
    }
  }

  // Memory: no two of these can be taken for one another. Seconds: of 33 steps, four blocks of eight and a last step.
  TEST_CASE("cost: predictions from a probe of round numbers, by hand") {
    Probe p;
    p.q = 3;
    p.base_bytes = 1'000'000'000;
    p.state_bytes = 1'000;
    p.step_bytes = 20'000;
    p.record_bytes = 3'000;
    p.pull_bytes = 400'000;
    p.forward_bytes = 5'020'000;
    p.outer_bytes = 60'000;
    p.step_seconds = 1;
    p.forward_seconds = 7;
    p.outer_seconds = 1000;
    p.value_seconds = 100;
    EstimatorOptions o;
    o.tau = 8;
    o.directions = 6;
    o.particles = 5;
    o.implicit.columns = 11;
    o.implicit.batches = 2;
    const auto bytes = [&](const char* name) { return predict(p, name, o, 33, 2).bytes - p.base_bytes; };
    CHECK(bytes("local") == 5'020'000);
    CHECK(bytes("random-forward") == 20'000 + 2 * 5'000'000);  // 6 directions of 3 hyperparameters
    CHECK(bytes("es") == 20'000 + 2 * 1'000);
    CHECK(bytes("pes") == 20'000 + 2 * 5 * 1'000 + 2 * 1'000);
    CHECK(bytes("implicit-cg") == 2 * 3'000 + 8 * 1'000 + 2 * 400'000);
    CHECK(bytes("implicit-nystrom") == 2 * 3'000 + (3 * 11 + 4) * 1'000 + 2 * 400'000);
    CHECK(bytes("truncated") == 3 * 3'000 + 3 * 1'000 + 400'000);  // 8 steps back in segments of 3
    // Beside what runs there is E's gradient, where that is more.
    p.outer_bytes = 70'000'000;
    CHECK(bytes("local") == 4 * 1'000 + 70'000'000);
    CHECK(bytes("random-forward") == 7 * 1'000 + 70'000'000);
    CHECK(bytes("truncated") == 3 * 3'000 + 3 * 1'000 + 70'000'000);
    const auto seconds = [&](const char* name, std::int64_t T) { return predict(p, name, o, T, 2).seconds; };
    CHECK(seconds("local", 33) == 4 * (8 * 7 + 1000) + 1);
    CHECK(seconds("local", 32) == 3 * (8 * 7 + 1000) + 8);  // the last block has no estimate
    CHECK(seconds("random-forward", 33) == 4 * (8 * (1 + 2 * 6) + 1000) + 1);
    CHECK(seconds("es", 32) == 3 * 11 * (8 + 100) + 8);
    CHECK(seconds("global-forward", 33) == 2 * 33 * 7 + 33);
    CHECK(seconds("local-restart", 33) == 2 * 8 * 7 + 33);
    // A budget of ten records and two states: the plan is that of a step's and a state's own sizes.
    o.unroll_bytes = 10 * 3'000 + 2 * 1'000;
    p.outer_bytes = 60'000;
    const UnrollPlan plan = budget_plan(33, 3'000, 1'000, o.unroll_bytes);
    CHECK(bytes("global") == plan_bytes(plan, 33, 3'000, 1'000) + 2 * 1'000 + 400'000);  // s_0, and the best run
    CHECK(plan_bytes(plan, 33, 3'000, 1'000) <= o.unroll_bytes);
  }

  TEST_CASE("cost: above a memory limit the estimators that would fit are named, and those alone") {
    Probe p;
    p.q = 3;
    p.state_bytes = p.record_bytes = 1'000;
    p.step_bytes = 3'000;
    p.pull_bytes = 4'000;
    p.forward_bytes = 900'000;
    EstimatorOptions o;
    o.tau = 8;
    const std::int64_t limit = 100'000;
    std::string said;
    try {
      refuse_above(limit, p, "local", o, 40, 1);
    } catch (const MemoryError& error) {
      said = error.what();
    }
    const std::size_t list = said.find("these would fit: ");
    REQUIRE(list != std::string::npos);
    const std::string named = ", " + said.substr(list + 17) + ",";
    int fit = 0;
    for (const std::string& name : estimator_names()) {
      CAPTURE(name);
      const bool fits = predict(p, name, o, 40, 1).bytes <= limit;
      CHECK((named.find(", " + name + ",") != std::string::npos) == fits);
      fit += fits;
    }
    CHECK(fit > 2);
    CHECK(fit < 14);
  }

  // By hand: two blocks of 15 steps with an estimate, and a last one of 15 steps, or 14.
  TEST_CASE("cost: gradient evaluations of every estimator, by hand") {
    EstimatorOptions o;
    o.tau = 15;
    o.K = 5;
    o.directions = 4;
    o.particles = 6;
    o.implicit.iterations = 7;
    o.implicit.columns = 4;
    o.implicit.batches = 3;
    const auto count = [&](const char* name, std::int64_t T) { return gradient_evaluations(name, o, 3, T, 2); };
    for (const std::int64_t rest : {15, 14}) {
      const std::int64_t T = 30 + rest;
      CAPTURE(rest);
      CHECK(count("global", T) == 2 * (4 * T + 1) + T);
      CHECK(count("global-forward", T) == 2 * (7 * T + 1) + T);
      CHECK(count("local-restart", T) == 2 * (7 * 15 + 1) + T);
      CHECK(count("local", T) == 2 * (7 * 15 + 1) + rest);
      CHECK(count("local-online", T) == 2 * (7 * 15 + 1) + rest);
      CHECK(count("glocal", T) == 2 * (7 * 15 + 15) + rest);
      CHECK(count("truncated", T) == 2 * (15 + 3 * 5 + 1) + rest);
      CHECK(count("one-step", T) == 2 * (15 + 3 + 1) + rest);
      CHECK(count("random-forward", T) == 2 * ((1 + 2 * 4) * 15 + 1) + rest);
      CHECK(count("es", T) == 2 * (1 + 2 * 6) * 15 + rest);
      CHECK(count("pes", T) == 2 * (1 + 2 * 6) * 15 + rest);
      CHECK(count("hypergradient-descent", T) == 2 * 2 * 15 + rest);
      // Training and E, then Hessian-vector products on three batches: 7 + 1 to check + 1 mixed derivative.
      CHECK(count("implicit-cg", T) == 2 * (15 + 1 + 2 * 3 * (7 + 1 + 1)) + rest);
      CHECK(count("implicit-neumann", T) == 2 * (15 + 1 + 2 * 3 * (7 + 1 + 10 + 1)) + rest);
      CHECK(count("implicit-nystrom", T) == 2 * (15 + 1 + 2 * 3 * (4 + 1)) + rest);
    }
    o.implicit.step = 0.1;  // no power iterations
    CHECK(count("implicit-neumann", 45) == 2 * (15 + 1 + 2 * 3 * (7 + 1 + 1)) + 15);
    o.unroll = Unroll::stored;
    CHECK(count("global", 45) == 2 * (3 * 45 + 1) + 45);
    o.unroll_bytes = 1000;  // within a limit steps are run again
    CHECK(count("global", 45) == 2 * (4 * 45 + 1) + 45);
  }
}

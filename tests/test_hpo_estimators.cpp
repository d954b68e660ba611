// Block estimators against the exact ones, the outer loop, and the cost prediction.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/predict.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/transform.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/hpo/unroll/options.h>

#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

Vars quadratic_phi() { return {number(std::log(0.3)), number(1.0), number(std::log(1e-3))}; }

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return std::sqrt(sum);
}
double norm(const std::vector<double>& a) { return distance(a, std::vector<double>(a.size())); }

Estimate first_estimate(const std::string& name, const EstimatorOptions& options, std::int64_t T) {
  const FlatProblem problem = heavy_ball(20, 0.01);
  Progress progress{problem.init(quadratic_phi()), {}, 0, T};
  return make_estimator(name, options)->advance(problem, quadratic_phi(), progress);
}

}  // namespace

TEST_CASE("over one block from s_0 every estimator that looks at all of it is exact") {
  const FlatProblem problem = heavy_ball(20, 0.01);
  const std::vector<double> exact = global_reverse(problem, quadratic_phi(), 12).h;
  EstimatorOptions options;
  options.tau = 12;
  options.K = 12;
  for (const std::string name : {"local", "local-restart", "local-online", "truncated"}) {
    CAPTURE(name);
    CHECK(distance(first_estimate(name, options, 12).h, exact) <= 1e-13 * norm(exact));
  }
  CHECK(distance(first_estimate("global", options, 12).h, exact) == 0);
}

TEST_CASE("truncated and one-step are the exact derivative of the last K steps") {
  const FlatProblem problem = heavy_ball(20, 0.01);
  EstimatorOptions options;
  options.tau = 12;
  for (std::int64_t K : {1, 3}) {
    options.K = K;
    Vars s = problem.init(quadratic_phi());
    for (std::int64_t t = 0; t < 12 - K; ++t) s = problem.step(s, quadratic_phi(), t);
    const ForwardRun tail =
        run_forward(problem, s, zero_tangents(3, s.size()), quadratic_phi(), 12 - K, K, /*trajectory=*/false);
    const Estimate got = first_estimate(K == 1 ? "one-step" : "truncated", options, 12);
    CHECK(distance(got.h, tail.h) <= 1e-13 * norm(tail.h));
  }
}

TEST_CASE("online tangents over two blocks are those of the whole run while phi stands still") {
  const FlatProblem problem = heavy_ball(20, 0.01);
  EstimatorOptions options;
  options.tau = 9;
  Progress progress{problem.init(quadratic_phi()), {}, 0, 18};
  const auto online = make_estimator("local-online", options);
  online->advance(problem, quadratic_phi(), progress);
  const Estimate second = online->advance(problem, quadratic_phi(), progress);
  const std::vector<double> exact = global_forward(problem, quadratic_phi(), 18).h;
  CHECK(progress.t == 18);
  CHECK(distance(second.h, exact) <= 1e-13 * norm(exact));
}

namespace {

// s' = (1 - phi c_t) s from s_0 = 1, and E = (2 + block) s: every step and every block has its own numbers.
double pace(std::int64_t t) { return 1 + 0.3 * std::sin(double(t)); }

FlatProblem numbered_steps() {
  FlatProblem problem;
  problem.init = [](const Vars&) { return Vars{number(1)}; };
  problem.step = [](const Vars& s, const Vars& phi, std::int64_t t) { return Vars{s[0] - pace(t) * phi[0] * s[0]}; };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t block) { return (2.0 + double(block)) * s[0]; };
  problem.loss = [](const Vars& s, const Vars&, std::int64_t t) { return 0.5 * pace(t) * square(s[0]); };
  return problem;
}

// dE/dphi at step `end` through the steps from `begin` on, E being that of `block`.
double numbered_derivative(double phi, std::int64_t begin, std::int64_t end, std::int64_t block) {
  double s = 1, sum = 0;
  for (std::int64_t t = 0; t < end; ++t) {
    s *= 1 - phi * pace(t);
    if (t >= begin) sum -= pace(t) / (1 - phi * pace(t));
  }
  return (2 + double(block)) * s * sum;
}

}  // namespace

TEST_CASE("the second block has its own step numbers and one validation batch") {
  const Vars phi{number(0.05)};
  EstimatorOptions options;
  options.tau = 6;
  options.K = 2;
  options.trajectory = true;
  options.dmd.delays = 1;
  const std::pair<std::string, double> expected[] = {
      {"local", numbered_derivative(0.05, 6, 12, 6)},        {"local-online", numbered_derivative(0.05, 0, 12, 6)},
      {"local-restart", numbered_derivative(0.05, 0, 6, 0)}, {"truncated", numbered_derivative(0.05, 10, 12, 6)},
      {"one-step", numbered_derivative(0.05, 11, 12, 6)},    {"glocal", numbered_derivative(0.05, 6, 12, 6)}};
  for (const auto& [name, exact] : expected) {
    CAPTURE(name);
    FlatProblem problem = numbered_steps();
    std::vector<std::int64_t> seen;
    problem.watch = [&](const Vars&, std::int64_t t) { seen.push_back(t); };
    Progress progress{problem.init(phi), {}, 0, 40};
    const auto estimator = make_estimator(name, options);
    estimator->advance(problem, phi, progress);
    const Estimate second = estimator->advance(problem, phi, progress);
    // glocal forecasts from this block: its last snapshot is the local hypergradient.
    const double h = name == "glocal" ? second.trajectory.at(5) : second.h[0];
    CHECK(h == doctest::Approx(exact).epsilon(1e-13));
    std::vector<std::int64_t> steps;
    for (std::int64_t i = 0; i < 12; ++i) steps.push_back(estimator->from_start() ? i % 6 : i);
    CHECK(seen == steps);
  }
}

TEST_CASE("online tangents begin with those of the initial state and their number is checked") {
  // s_0 = phi, s' = s / 2, E = s^2 / 2: dE/dphi = phi / 4^T after T = 6 steps in two blocks.
  FlatProblem problem;
  problem.init = [](const Vars& phi) { return Vars{phi[0]}; };
  problem.step = [](const Vars& s, const Vars&, std::int64_t) { return Vars{0.5 * s[0]}; };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return 0.5 * square(s[0]); };
  const Vars phi{number(3)};
  EstimatorOptions options;
  options.tau = 3;
  Progress progress{problem.init(phi), {}, 0, 6};
  const auto online = make_estimator("local-online", options);
  CHECK(online->advance(problem, phi, progress).h[0] == doctest::Approx(3 / std::pow(4.0, 3)).epsilon(1e-14));
  CHECK(online->advance(problem, phi, progress).h[0] == doctest::Approx(3 / std::pow(4.0, 6)).epsilon(1e-14));
  CHECK_THROWS_AS(run_forward(problem, {number(1)}, zero_tangents(2, 1), phi, 0, 3, false), ShapeError);
  CHECK_THROWS_AS(run_forward(problem, {number(1)}, zero_tangents(1, 2), phi, 0, 3, false), ShapeError);
}

TEST_CASE("tuning that moves nothing is plain training to the last bit") {
  const Vars phi{number(0.05)};
  const TuneResult plain = train(numbered_steps(), phi, 40);
  for (const std::string& name : estimator_names()) {
    CAPTURE(name);
    if (name.starts_with("implicit-")) continue;  // they refuse what does not enter a loss: test_hpo_implicit
    TuneOptions options{.estimator = name, .meta = {.name = "sgd", .lr = 1e-300}, .T = 40, .updates = 3};
    options.estimator_options.tau = 6;
    options.estimator_options.dmd.delays = 1;
    CHECK(same_bits(tune(numbered_steps(), phi, options).s[0].value(), plain.s[0].value()));
  }
}

TEST_CASE("the last row of a recorded trajectory is the estimate and row i the exact h after one step more") {
  const FlatProblem problem = heavy_ball(20, 0.01);
  EstimatorOptions options;
  options.tau = 10;
  options.trajectory = true;
  const Estimate got = first_estimate("local", options, 30);
  REQUIRE(got.trajectory.shape() == Shape{10, 3});
  for (std::int64_t i : {0, 4, 9}) {
    const std::vector<double> exact = global_forward(problem, quadratic_phi(), i + 1).h;
    for (std::int64_t k = 0; k < 3; ++k)
      CHECK(got.trajectory.at(i * 3 + k) == doctest::Approx(exact[static_cast<std::size_t>(k)]).epsilon(1e-12));
  }
}

TEST_CASE("glocal forecasts the exact global hypergradient of a noise-free quadratic at step 500 from tau 100") {
  const FlatProblem problem = heavy_ball(20, 0.05);
  const Vars phi{number(std::log(0.1)), number(0.0), number(std::log(0.1))};  // lr 0.1, momentum 0.5, decay 0.1
  const std::vector<double> exact = global_forward(problem, phi, 500).h;
  EstimatorOptions options;
  options.tau = 100;
  Progress progress{problem.init(phi), {}, 0, 500};
  const Estimate got = make_estimator("glocal", options)->advance(problem, phi, progress);
  const std::vector<double> h_tau{got.trajectory.at(297), got.trajectory.at(298), got.trajectory.at(299)};
  const double error = distance(got.h, exact) / norm(exact), local_error = distance(h_tau, exact) / norm(exact);
  MESSAGE("relative error of glocal ", error, ", of h_tau ", local_error, ", rank ", dmd_of(*got.forecast)->rank);
  CHECK(progress.t == 100);
  CHECK_FALSE(got.forecast->fell_back);
  CHECK(error <= 1e-3);
  CHECK(error < local_error);
}

TEST_CASE("tuning lowers E of the quadratic below plain training with every estimator") {
  const FlatProblem problem = heavy_ball(20, 0.01);
  const Vars poor{number(std::log(0.01)), number(0.0), number(std::log(1e-3))};
  const std::int64_t T = 200;
  const auto final_outer = [&](const TuneResult& r) { return problem.outer(r.s, r.phi, 0).item(); };
  const double plain = final_outer(train(problem, poor, T));
  for (const std::string& name : estimator_names()) {
    CAPTURE(name);
    if (name.starts_with("implicit-")) continue;  // they refuse what does not enter a loss: test_hpo_implicit
    TuneOptions options;
    options.estimator = name;
    options.estimator_options.tau = 20;
    options.estimator_options.dmd.delays = 4;
    options.meta.lr = 0.2;
    options.T = T;
    options.updates = 9;
    std::int64_t reported = 0;
    const TuneResult result =
        tune(problem, poor, options, [&](const OuterUpdate& u) { reported += u.index == reported; });
    CHECK(reported == 9);
    CHECK(result.updates == 9);
    CHECK(final_outer(result) < 0.9 * plain);
  }
}

TEST_CASE("meta-optimisers move as their formulas say") {
  MetaOptimizer sgd{.name = "sgd", .lr = 0.5}, sign{.name = "sign", .lr = 0.5}, adam{.name = "adam", .lr = 0.5};
  CHECK(sgd.step({1, 2}, {0.2, -4}) == std::vector<double>{0.9, 4});
  CHECK(sign.step({1, 2}, {0.2, -4}) == std::vector<double>{0.5, 2.5});
  const std::vector<double> u = adam.step({1, 2}, {0.2, -4});
  CHECK(u[0] == doctest::Approx(0.5).epsilon(1e-6));
  CHECK(u[1] == doctest::Approx(2.5).epsilon(1e-6));
  // The second step of Adam: m = 0.1 (0.9 g1 + g2), v = 0.001 (0.999 g1^2 + g2^2), both corrected.
  const double m_hat = 0.1 * (0.9 * 0.2 + 0.6) / (1 - 0.81), v_hat = 0.001 * (0.999 * 0.04 + 0.36) / (1 - 0.998001);
  CHECK(adam.step(u, {0.6, -4})[0] == doctest::Approx(u[0] - 0.5 * m_hat / (std::sqrt(v_hat) + 1e-8)).epsilon(1e-12));
  MetaOptimizer clipped{.name = "sgd", .lr = 1, .max_norm = 1};
  CHECK(clipped.step({0, 0}, {3, 4})[1] == doctest::Approx(-0.8));
  CHECK(clipped.clipped == 1);
  CHECK_THROWS_AS(sgd.step({1}, {std::nan("")}), NumericError);
  MetaOptimizer unknown{.name = "newton"};
  CHECK_THROWS_AS(unknown.step({1}, {1}), ValueError);
}

TEST_CASE("spaces: values return to their start and derivatives are those of the transform") {
  Space space;
  space.add({"lr", {0.01}, Transform::log});
  space.add({"momentum", {0.9}, Transform::logit});
  space.add({.name = "bounded", .initial = {3}, .transform = Transform::logit, .low = 2, .high = 6});
  space.add({"knots", {1, -2}, Transform::identity, {2}});
  const Vars phi = space.initial(DType::f64);
  const std::vector<double> start{0.01, 0.9, 3, 1, -2}, values = space.values(phi);
  for (std::size_t k = 0; k < start.size(); ++k) CHECK(values[k] == doctest::Approx(start[k]).epsilon(1e-13));
  const double slopes[] = {0.01, 0.9 * 0.1, 4 * 0.25 * 0.75};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto v = [&](const Var& u) { return space.value(i, u); };
    CHECK(grad(v)(phi[i]).item() == doctest::Approx(slopes[i]).epsilon(1e-10));
  }
  CHECK(space.component_names() == std::vector<std::string>{"lr", "momentum", "bounded", "knots[0]", "knots[1]"});
  CHECK_THROWS_AS(space.add({"lr", {1.0}, Transform::log}), ValueError);
  CHECK_THROWS_AS(space.add({"decay", {0.0}, Transform::log}), ValueError);
  CHECK_THROWS_AS(space.index("bogus"), ValueError);
}

TEST_CASE(
    "saturation: a start that the element type rounds to an end of its range is refused with the nearest usable") {
  struct Row {
    Hyperparameter p;
    DType dtype;
    bool fits;
  };
  const auto logit = [](double v) { return Hyperparameter{"momentum", {v}, Transform::logit}; };
  const auto log = [](double v) { return Hyperparameter{"lr", {v}, Transform::log}; };
  for (const Row& r : {Row{logit(0.99999999), DType::f32, false},
                       {logit(0.99999999), DType::f64, true},
                       {logit(0.999), DType::f32, true},
                       {logit(1e-300), DType::f32, false},
                       {log(1e-300), DType::f32, false},
                       {log(1e-300), DType::f64, true},
                       {log(1e300), DType::f32, false},
                       {log(1e-38), DType::f32, false}}) {  // subnormal
    CAPTURE(r.p.name);
    CAPTURE(r.p.initial[0]);
    Space space;
    space.add(r.p);
    if (r.fits) {
      CHECK(space.value(0, space.initial(r.dtype)[0]).item() == doctest::Approx(r.p.initial[0]).epsilon(1e-5));
      continue;
    }
    CHECK_THROWS_WITH_AS(space.initial(r.dtype), doctest::Contains("the nearest usable value is"), ValueError);
    CHECK_THROWS_WITH_AS(space.initial(r.dtype), doctest::Contains(r.p.name.c_str()), ValueError);
    // What it names can be used, and is near the end that was asked for.
    Hyperparameter nearest = r.p;
    nearest.initial = {nearest_usable(r.p, r.p.initial[0], r.dtype)};
    Space again;
    again.add(nearest);
    const double v = again.value(0, again.initial(r.dtype)[0]).item();
    if (r.p.transform == Transform::logit)
      CHECK((std::abs(r.p.initial[0]) > 0.5 && std::abs(r.p.initial[0]) < 1 ? v > 0.9999998 : v < 1e-36));
    else
      CHECK((r.p.initial[0] < 1 ? v < 1.2e-38 : v > 3.4e38));
  }
}

TEST_CASE("saturation: a value that u has run out of its range is refused after any update") {
  struct Row {
    Transform transform;
    double start, u;
  };
  for (const Row& r : {Row{Transform::log, 0.1, -1000},
                       {Transform::log, 0.1, 1000},
                       {Transform::logit, 0.9, 40},
                       {Transform::logit, 0.9, -200},
                       {Transform::identity, 0.9, INFINITY},
                       {Transform::log, 0.9, NAN}}) {
    CAPTURE(name_of(r.transform));
    CAPTURE(r.u);
    Space space;
    space.add({"first", {0.5}, Transform::identity});
    space.add({"knots", {r.start, r.start}, r.transform, {2}});
    Vars phi = space.initial(DType::f32);
    CHECK(space.value(1, phi[1]).value().at(1) == doctest::Approx(r.start).epsilon(1e-6));
    phi[1] = Tensor::from(std::vector<double>{space.initial(DType::f64)[1].value().at(0), r.u}, {2}).to(DType::f32);
    CHECK_THROWS_WITH_AS(space.value(1, phi[1]), doctest::Contains("knots[1]"), NumericError);
    CHECK_THROWS_WITH_AS(space.value(1, phi[1]), doctest::Contains("f32"), NumericError);
    CHECK_THROWS_AS(grad([&](const Var& u) { return space.value(1, u); })(phi[1]), NumericError);
    CHECK(space.values(phi).size() == 3);  // for those who only show them
  }
}

TEST_CASE("names and options out of range are refused") {
  CHECK_THROWS_AS(make_estimator("magic", {}), ValueError);
  EstimatorOptions options;
  options.tau = 0;
  CHECK_THROWS_AS(make_estimator("local", options), ValueError);
  CHECK_THROWS_AS(glocal_forecast(Tensor::zeros({50, 1}, DType::f64), Tensor::zeros({50}, DType::f64), 0, 10),
                  ValueError);
  CHECK_THROWS_AS(train(heavy_ball(3, 0.1), quadratic_phi(), 0), ValueError);
}

TEST_CASE("predicted time counts steps of each kind") {
  Probe p;
  p.step_seconds = 1;
  p.record_seconds = 2;
  p.pull_seconds = 3;
  p.forward_seconds = 10;
  p.outer_seconds = 100;
  p.record_bytes = p.state_bytes = 1;
  EstimatorOptions options;
  options.tau = 15;
  options.K = 4;
  // 45 steps: two blocks with an update, and a last one of plain training.
  const auto seconds = [&](const char* name) { return predict(p, name, options, 45, 3).seconds; };
  CHECK(predict_training(p, 45).seconds == 45);
  CHECK(seconds("local") == 2 * (15 * 10 + 100) + 15);
  CHECK(seconds("glocal") == 2 * (15 * 10 + 15 * 100) + 15);
  // Of four steps walked back, two are run again.
  CHECK(seconds("truncated") == 2 * (11 + 2 + 4 * (2 + 3) + 100) + 15);
  CHECK(seconds("one-step") == 2 * (14 + (2 + 3) + 100) + 15);
  // Three whole runs and the training after them; the last segment, of five steps, is recorded on the way forwards.
  CHECK(seconds("global") == 3 * (40 + 45 * (2 + 3) + 100) + 45);
  // Training, and in two blocks a step, a recorded gradient, the products and E's gradient.
  options.implicit.iterations = 7;
  options.implicit.columns = 4;
  CHECK(seconds("implicit-cg") == 45 + 2 * (1 + 2 + 9 * 3 + 100));
  CHECK(seconds("implicit-neumann") == 45 + 2 * (1 + 2 + 19 * 3 + 100));
  CHECK(seconds("implicit-nystrom") == 45 + 2 * (1 + 2 + 6 * 3 + 100));
  options.unroll = Unroll::stored;
  CHECK(seconds("global") == 3 * (45 * (2 + 3) + 100) + 45);
}

TEST_CASE("cost: every estimator has a count and a prediction of its own, and an unknown one is no local") {
  const Probe measured = probe(heavy_ball(200, 0.01), quadratic_phi());
  for (const std::string& name : estimator_names()) {
    CAPTURE(name);
    CHECK(gradient_evaluations(name, {}, 3, 1000, 2) > 1000);
    CHECK(predict(measured, name, {}, 1000, 2).bytes > 0);
  }
  CHECK_THROWS_WITH_AS(gradient_evaluations("loacl", {}, 3, 1000, 2), doctest::Contains("did you mean local?"),
                       ValueError);
  CHECK_THROWS_WITH_AS(predict(measured, "mine", {}, 1000, 2), doctest::Contains("\"mine\" is no estimator"),
                       ValueError);
}

TEST_CASE("predicted memory is near the measured peak and the limit is kept") {
  const FlatProblem problem = heavy_ball(20000, 0.01);
  const Probe measured = probe(problem, quadratic_phi());
  EstimatorOptions stored;
  stored.unroll = Unroll::stored;
  for (const auto& [options, T] : {std::pair(stored, 60), std::pair(EstimatorOptions{}, 60)}) {
    const Cost predicted = predict(measured, "global", options, T, 1);
    reset_peak_memory();
    global_reverse(problem, quadratic_phi(), T, options.unroll);
    const double peak = double(memory_use().peak_bytes);
    CHECK(double(predicted.bytes) > 0.7 * peak);
    CHECK(double(predicted.bytes) < 1.5 * peak);
  }
  for (const std::string name : {"local", "global-forward", "glocal"}) {
    CAPTURE(name);
    TuneOptions options{.estimator = name, .meta = {.lr = 1e-9}, .T = 45, .updates = 1};
    options.estimator_options.tau = 15;
    options.estimator_options.dmd.delays = 2;
    const double predicted = double(predict(measured, name, options.estimator_options, 45, 1).bytes);
    { const Tensor larger({1 << 24}); }  // what came before must not count
    const double peak = double(tune(problem, quadratic_phi(), options).peak_bytes);
    CHECK(predicted > 0.7 * peak);
    CHECK(predicted < 1.5 * peak);
  }
  const std::int64_t limit = predict(measured, "local", {}, 1000, 1).bytes + 1;
  refuse_above(limit, measured, "local", {}, 1000, 1);
  CHECK_THROWS_WITH_AS(refuse_above(limit, measured, "global", stored, 1000, 1), doctest::Contains("local"),
                       MemoryError);
}

// Last: an added estimator stays known to its program.
TEST_CASE("an added estimator is known by its name and costs what it says") {
  struct Constant : Estimator {
    const char* name() const override { return "constant"; }
    bool from_start() const override { return false; }
    bool depends_on_init() const override { return false; }
    std::int64_t steps(const Progress& progress) const override { return progress.block_steps(10); }
    Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override {
      for (std::int64_t left = steps(progress); left > 0; --left, ++progress.t)
        progress.s = problem.step(progress.s, phi, progress.t);
      return {std::vector<double>(static_cast<std::size_t>(components(phi))), 0, {}, {}};
    }
    Cost cost(const Probe& probe, std::int64_t T, std::int64_t) const override {
      return {7 * static_cast<double>(T) * probe.step_seconds, 1 << 20};
    }
    std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t) const override { return q * T; }
  };
  const EstimatorKind kind{"constant", "always zero", "sky", [](const auto&) { return std::make_unique<Constant>(); }};
  add_estimator(kind);
  CHECK_THROWS_WITH_AS(add_estimator(kind), doctest::Contains("already"), ValueError);
  EstimatorKind taken = kind;
  taken.name = "gp";
  CHECK_THROWS_WITH_AS(add_estimator(taken), doctest::Contains("already"), ValueError);
  CHECK(estimator_names().back() == "constant");
  CHECK(estimators().at("constant").about == "always zero");
  CHECK(gradient_evaluations("constant", {}, 3, 101, 1) == 303);
  Probe step;
  step.step_seconds = 0.5;
  step.step_bytes = 10;
  CHECK(predict(step, "constant", {}, 100, 1).seconds == 350);
  CHECK(predict(step, "constant", {}, 100, 1).bytes == 1 << 20);
  CHECK_THROWS_WITH_AS(make_estimator("constnat", {}), doctest::Contains("did you mean constant?"), ValueError);
  const FlatProblem problem = heavy_ball(5, 0.1);
  TuneOptions options{.estimator = "constant", .meta = {}, .T = 25};
  options.estimator_options.tau = 10;
  CHECK(tune(problem, quadratic_phi(), options).updates == 2);
}

TEST_SUITE_END();

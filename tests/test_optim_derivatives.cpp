// Derivatives of whole runs in every hyperparameter of every rule: forward = reverse = finite differences.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <glocal/nn/layers/activation.h>
#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/layers/flatten.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/layers/sequential.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/model.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/adam.h>
#include <glocal/optim/rules/registry.h>

#include "gradcheck.h"

using namespace glocal;
using namespace glocal::optim;

namespace {

constexpr DType f64 = DType::f64;

// A problem to train on: start, loss of step t, and the number to differentiate at the end.
struct Problem {
  Vars start;
  std::function<Var(const Vars& params, std::int64_t t)> loss;
  std::function<Var(const Vars& params)> outer;
};

Problem quadratic() {
  const Var a = uniform(key(1), {5}, 0.5, 2, f64), c = normal(key(2), {5}, 0, 1, f64);
  return {{normal(key(3), {5}, 0, 1, f64)},
          [=](const Vars& w, std::int64_t t) { return 0.5 * dot(a, square(w[0] - c * (1 + 0.1 * double(t)))); },
          [=](const Vars& w) { return dot(c, w[0]) + 0.5 * dot(w[0], w[0]); }};
}

Problem conv_net() {
  using namespace glocal::nn;
  const Sequential net(Conv2d(key(1), 1, 2, 3, {}, f64), BatchNorm(2, f64), make_activation("tanh"), Flatten{},
                       Linear(key(2), 18, 3, f64));
  const Model model = erase("small", net, {1, 5, 5}, 3);
  const Tensor x = normal(key(3), {6, 1, 5, 5}, 0, 1, f64), x_val = normal(key(4), {6, 1, 5, 5}, 0, 1, f64);
  const Tensor labels = Tensor::from<std::int32_t>({0, 1, 2, 2, 1, 0}, {6});
  const auto loss = [=](const Vars& params, const Tensor& images) {
    Pass pass;
    return cross_entropy(model.forward(params, images, pass), labels);
  };
  return {model.parameters, [=](const Vars& w, std::int64_t) { return loss(w, x); },
          [=](const Vars& w) { return loss(w, x_val); }};
}

// The outer number after T steps, as a function of the hyperparameters.
gradcheck::OpFunction after(const Optimizer& optimizer, const Problem& problem, std::int64_t T) {
  return [=](const Vars& hyper) {
    Step s{problem.start, optimizer.init(problem.start)};
    for (std::int64_t t = 1; t <= T; ++t) {
      const std::function<Evaluation(const Vars&)> seen = [&](const Vars& at) {
        auto [loss, gradient] = value_and_grad([&](const Vars& w) { return problem.loss(w, t); })(at);
        return Evaluation{std::move(gradient), loss, seen};
      };
      s = optimizer.step(hyper, s.params, seen(s.params), s.state, t);
    }
    return problem.outer(optimizer.judged ? optimizer.judged(s.params, s.state) : s.params);
  };
}

// Values at which each hyperparameter, eps included, moves the result by much more than rounding.
Vars lively_values(const Optimizer& optimizer, double lr = 0.05) {
  Vars values;
  for (const HyperInfo& info : optimizer.hyper) {
    double value = info.range == HyperInfo::Range::unit_interval ? 0.7 : 0.02;
    if (info.name == "lr") value = lr;
    if (info.name == "beta2" || info.name == "alpha") value = 0.9;
    if (info.name == "adam_share") value = 0.9;
    if (info.name == "factor") value = 3;
    values.push_back(Tensor::scalar(value, f64));
  }
  return values;
}

struct Gaps {
  double modes = 0, differences = 0;
  int idle = 0;  // hyperparameters without effect
  std::set<std::size_t> moving{};
};

// Per hyperparameter: derivative times value, so that differences use a relative step.
Gaps gaps(const gradcheck::OpFunction& f, const Vars& hyper) {
  Gaps worst;
  const Vars reverse = grad(f)(hyper);
  for (std::size_t i = 0; i < hyper.size(); ++i) {
    Vars d;
    for (const Var& v : hyper) d.push_back(zeros_like(v));
    d[i] = hyper[i];
    const double forward = jvp(f, hyper, d).second.item(), backward = reverse[i].item() * hyper[i].item();
    const double difference =
        gradcheck::derivative_along([&](const Vars& u) { return Vars{f(u)}; }, hyper, d)[0].item();
    const double size = std::max(1e-3, std::abs(forward));
    worst.modes = std::max(worst.modes, std::abs(forward - backward) / std::max(1e-6, std::abs(forward)));
    worst.differences = std::max(worst.differences, std::abs(forward - difference) / size);
    worst.idle += std::abs(forward) < 1e-12;
    if (std::abs(forward) >= 1e-12) worst.moving.insert(i);
  }
  return worst;
}

const std::map<std::string, int> idle_at_first = {{"sgd", 1},   {"nesterov", 0}, {"adam", 2},
                                                  {"adamw", 2}, {"rmsprop", 1},  {"adagrad", 0}};

// Rules with thresholds: a number may have no effect at one rate and after few steps, but has one at another.
const std::map<std::string, std::set<std::string>> never_moves = {{"lion", {"beta1", "beta2"}}};

void check_rules_with_thresholds(const Problem& problem) {
  for (const std::string& name : optimizer_names()) {
    if (idle_at_first.contains(name)) continue;
    const Optimizer optimizer = make_optimizer(name);
    if (name == "muon" && problem.start.size() < 3) continue;  // it wants a hidden matrix
    std::set<std::size_t> moving;
    std::array rates{0.05, 0.3};
    if (name == "mechanic_adamw") rates = {0.05, 0.2};  // at 0.3 a maximum changes within the reach of a difference
    if (name == "lion") rates = {1e-4, 1e-3};           // longer steps turn signs: no differences across that
    if (name == "momo" || name == "polyak") rates = {0.05, 50};  // a limit, which the steps meet or do not meet
    for (const double lr : rates)
      for (const std::int64_t T : {1, 2, 7}) {
        INFO("rule: ", name, ", steps: ", T, ", lr: ", lr);
        const Gaps g = gaps(after(optimizer, problem, T), lively_values(optimizer, lr));
        CHECK(g.modes <= 1e-8);  // of 1e-6 at least: a few roundings of numbers near 1
        CHECK(g.differences <= 1e-6);
        moving.insert(g.moving.begin(), g.moving.end());
      }
    for (std::size_t i = 0; i < optimizer.hyper.size(); ++i) {
      const std::string& hyper = optimizer.hyper[i].name;
      INFO("rule: ", name, ", hyperparameter: ", hyper);
      const auto never = never_moves.find(name);
      CHECK(moving.contains(i) == (never == never_moves.end() || !never->second.contains(hyper)));
    }
  }
}

void check_all_rules(const Problem& problem) {
  for (const auto& [name, idle] : idle_at_first)
    for (const std::int64_t T : {1, 2, 7}) {
      const Optimizer optimizer = make_optimizer(name);
      const Vars hyper = lively_values(optimizer);
      INFO("rule: ", name, ", steps: ", T);
      const gradcheck::OpFunction f = after(optimizer, problem, T);
      const Gaps g = gaps(f, hyper);
      CHECK(g.modes <= 1e-9);
      CHECK(g.differences <= 1e-6);
      // At the first step v = g, m^ = g and v^ = g^2: momentum and Adam's betas have no effect yet.
      CHECK(g.idle == (T > 1 ? 0 : idle));
    }
}

}  // namespace

TEST_SUITE("gradcheck") {
  TEST_CASE("optim derivatives: quadratic after 1 2 and 7 steps") { check_all_rules(quadratic()); }

  TEST_CASE("optim derivatives: conv net with batch norm after 1 2 and 7 steps") { check_all_rules(conv_net()); }

  TEST_CASE("optim derivatives: quadratic by rules with thresholds") { check_rules_with_thresholds(quadratic()); }

  TEST_CASE("optim derivatives: conv net by rules with thresholds") { check_rules_with_thresholds(conv_net()); }

  // One parameter never enters the loss. At the usual eps the slope of sqrt at its second moment 0 would be infinite
  // without eps_root.
  TEST_CASE("optim derivatives: a parameter whose gradient is exactly zero, at the usual values") {
    for (const std::string name : {"adam", "adamw", "rmsprop", "adagrad"}) {
      INFO("rule: ", name);
      Problem problem = quadratic();
      const Problem plain = problem;
      problem.start.push_back(normal(key(8), {3}, 1, 0.1, f64));
      problem.loss = [plain](const Vars& w, std::int64_t t) { return plain.loss({w[0]}, t) + 0.0 * dot(w[1], w[1]); };
      problem.outer = [plain](const Vars& w) { return plain.outer({w[0]}) + dot(w[1], w[1]); };
      const Optimizer optimizer = make_optimizer(name);
      const gradcheck::OpFunction f = after(optimizer, problem, 7), alone = after(optimizer, plain, 7);
      const Vars all = initial_hyper(optimizer, f64);
      const bool decays = name == "adamw";

      const Vars slopes = grad(f)(all), slopes_alone = grad(alone)(all);
      for (std::size_t i = 0; i < all.size(); ++i) {
        INFO("hyperparameter: ", optimizer.hyper[i].name);
        CHECK(std::isfinite(slopes[i].item()));
        // Coupled decay at 0 moves the idle parameter by w / eps per unit; everything else leaves it where it is.
        if (optimizer.hyper[i].name == "weight_decay" || decays) continue;
        CHECK(slopes[i].item() == doctest::Approx(slopes_alone[i].item()).epsilon(1e-12));
      }

      // lr, betas and alpha against differences; eps and eps_root are below what differences can see.
      const std::size_t visible = name == "adagrad" ? 1 : name == "rmsprop" ? 2 : 3;
      const auto of_visible = [&](const Vars& some) {
        Vars hyper = all;
        std::copy(some.begin(), some.end(), hyper.begin());
        return f(hyper);
      };
      Vars some(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(visible));
      for (Var& v : some)
        if (v.item() > 0.95) v = Tensor::scalar(0.95, f64);
      const Gaps g = gaps(of_visible, some);
      CHECK(g.modes <= 1e-9);
      CHECK(g.differences <= 1e-6);
      CHECK(g.idle == 0);
    }
  }

  // A factor of zero is left out only where nobody asks for its derivative.
  TEST_CASE("optim derivatives: momentum and weight decay keep their slope where they are zero") {
    for (const char* rule : {"sgd", "nesterov", "adam", "adamw", "rmsprop", "adagrad"}) {
      const Optimizer optimizer = make_optimizer(rule);
      const auto run = after(optimizer, quadratic(), 4);
      Vars hyper = lively_values(optimizer);
      for (std::size_t i = 0; i < hyper.size(); ++i) {
        if (optimizer.hyper[i].name != "momentum" && optimizer.hyper[i].name != "weight_decay") continue;
        CAPTURE(std::string(rule) + " " + optimizer.hyper[i].name);
        const auto of_one = [&](const Var& value) {
          Vars all = hyper;
          all[i] = value;
          return run(all);
        };
        const auto at = [&](double value) { return of_one(Tensor::scalar(value, f64)).item(); };
        const Var zero = Tensor::scalar(0, f64);
        const double slope = (8 * (at(1e-3) - at(-1e-3)) - (at(2e-3) - at(-2e-3))) / 12e-3;
        CHECK(std::abs(slope) > 1e-4);
        CHECK(grad(of_one)(zero).item() == doctest::Approx(slope).epsilon(1e-7));
        CHECK(jvp(of_one, zero, ones_like(zero)).second.item() == doctest::Approx(slope).epsilon(1e-7));
      }
    }
  }

  // E = c w' + e v' with v' = mu v + wd w + g and w' = w - lr v'; sums over more numbers than one chunk holds.
  TEST_CASE("optim derivatives: a step of SGD over a long parameter in closed form") {
    const std::int64_t n = 5000;
    const auto draw = [&](std::uint64_t i) { return Var(normal(key(i), {n}, 1, 1, f64)); };
    const Var w = draw(1), g = draw(2), v = draw(3), c = draw(4), e = draw(5);
    const auto number = [](double x) { return Var(Tensor::scalar(x, f64)); };
    const double lr = 0.3, mu = 0.7, wd = 0.2;
    const Optimizer optimizer = make_optimizer("sgd");
    const auto outer = [&](const Vars& hyper) {
      const Step next = optimizer.step(hyper, {w}, {g}, {v}, 1);
      return dot(c, next.params[0]) + dot(e, next.state[0]);
    };
    const Vars hyper{number(lr), number(mu), number(wd)};
    const Vars slopes = grad(outer)(hyper);
    const Var v_new = mu * v + wd * w + g, a = e - lr * c;
    const double expected[] = {-dot(c, v_new).item(), dot(a, v).item(), dot(a, w).item()};
    for (std::size_t i = 0; i < 3; ++i) {
      Vars direction{number(0), number(0), number(0)};
      direction[i] = number(1);
      CHECK(slopes[i].item() == doctest::Approx(expected[i]).epsilon(1e-12));
      CHECK(jvp(outer, hyper, direction).second.item() == doctest::Approx(expected[i]).epsilon(1e-12));
    }
  }

  // With g1 = 1, g2 = 1/2: v = b (1 - b) + (1 - b) / 4, v^ = v / (1 - b^2) = (b + 1/4) / (1 + b),
  // dv^/db = (3/4) / (1 + b)^2, and m^ = (1/2) + (b1 / 2) / (1 + b1).
  TEST_CASE("optim derivatives: sign and size of the slope in beta2 of two Adam steps by hand") {
    const double lr = 0.1, b1 = 0.9, b2 = 0.99, root = 1e-20;
    const auto w2 = [&](const Var& beta2) {
      const auto number = [](double v) { return Var(Tensor::scalar(v, f64)); };
      const AdamHyper hyper{number(lr), number(b1), beta2, number(0), number(root)};
      const Vars w{number(0)};
      const auto one = adam(hyper, w, {number(1)}, zero_state<AdamState>(w), 1);
      return adam(hyper, one.params, {number(0.5)}, one.state, 2).params[0];
    };
    const double m_hat = 0.5 + 0.5 * b1 / (1 + b1), v_hat = (b2 + 0.25) / (1 + b2);
    const double slope = lr * m_hat * 0.5 * std::pow(v_hat, -1.5) * 0.75 / ((1 + b2) * (1 + b2));
    CHECK(slope > 0);
    CHECK(grad(w2)(Var(Tensor::scalar(b2, f64))).item() == doctest::Approx(slope).epsilon(1e-11));
  }
}

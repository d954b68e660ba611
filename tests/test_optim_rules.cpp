// Every update rule against a scalar reference written out by hand, and the typed errors.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/adagrad.h>
#include <glocal/optim/rules/adam.h>
#include <glocal/optim/rules/registry.h>
#include <glocal/optim/rules/rmsprop.h>
#include <glocal/optim/rules/sgd.h>

using namespace glocal;
using namespace glocal::optim;

namespace {

constexpr DType f64 = DType::f64;

Var number(double value) { return Tensor::scalar(value, f64); }

// Gradient of the bowl 0.5 a (w - c)^2 with a = 1, 2, 3 and c = 0.5.
constexpr double curvature(std::int64_t i) { return static_cast<double>(i + 1); }
Vars bowl_gradient(const Vars& params) {
  const Tensor a = Tensor::from<double>({1, 2, 3}, {3});
  return {Var(a) * (params[0] - 0.5)};
}

// Five steps of a named rule from w = (1, -2, 3), against `reference`, which steps one number: (w, g, t) -> w.
template <class Reference>
void compare(const std::string& name, const std::vector<double>& values, Reference make_reference) {
  const Optimizer optimizer = make_optimizer(name);
  Vars hyper;
  for (const double value : values) hyper.push_back(number(value));
  REQUIRE(hyper.size() == optimizer.hyper.size());
  Step step{{Tensor::from<double>({1, -2, 3}, {3})}, {}};
  step.state = optimizer.init(step.params);
  for (std::int64_t t = 1; t <= 5; ++t)
    step = optimizer.step(hyper, step.params, bowl_gradient(step.params), step.state, t);
  const double start[] = {1, -2, 3};
  for (std::int64_t i = 0; i < 3; ++i) {
    auto reference = make_reference();
    double w = start[i];
    for (int t = 1; t <= 5; ++t) w = reference(w, curvature(i) * (w - 0.5), t);
    CHECK(step.params[0].value().at(i) == doctest::Approx(w).epsilon(1e-13));
  }
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("optim sgd: five steps against the formula") {
    const double lr = 0.1, mu = 0.8, wd = 0.05;
    compare("sgd", {lr, mu, wd}, [=] {
      return [=, v = 0.0](double w, double g, int) mutable {
        g += wd * w;
        v = mu * v + g;
        return w - lr * v;
      };
    });
  }

  TEST_CASE("optim nesterov: five steps against the formula") {
    const double lr = 0.1, mu = 0.8, wd = 0.05;
    compare("nesterov", {lr, mu, wd}, [=] {
      return [=, v = 0.0](double w, double g, int) mutable {
        g += wd * w;
        v = mu * v + g;
        return w - lr * (g + mu * v);
      };
    });
  }

  TEST_CASE("optim adam and adamw: five steps against the formula") {
    const double lr = 0.1, b1 = 0.8, b2 = 0.95, eps = 0.01, root = 0.002, wd = 0.05;
    for (const bool decoupled : {false, true})
      compare(decoupled ? "adamw" : "adam", {lr, b1, b2, eps, root, wd}, [=] {
        return [=, m = 0.0, v = 0.0](double w, double g, int t) mutable {
          if (!decoupled) g += wd * w;
          m = b1 * m + (1 - b1) * g;
          v = b2 * v + (1 - b2) * g * g;
          const double m_hat = m / (1 - std::pow(b1, t)), v_hat = v / (1 - std::pow(b2, t));
          return w - lr * (m_hat / (std::sqrt(v_hat + root) + eps) + (decoupled ? wd * w : 0));
        };
      });
  }

  TEST_CASE("optim rmsprop: five steps against the formula") {
    const double lr = 0.1, alpha = 0.9, eps = 0.01, root = 0.002, mu = 0.5, wd = 0.05;
    compare("rmsprop", {lr, alpha, eps, root, mu, wd}, [=] {
      return [=, s = 0.0, v = 0.0](double w, double g, int) mutable {
        g += wd * w;
        s = alpha * s + (1 - alpha) * g * g;
        v = mu * v + g / (std::sqrt(s + root) + eps);
        return w - lr * v;
      };
    });
  }

  TEST_CASE("optim adagrad: five steps against the formula") {
    const double lr = 0.1, eps = 0.01, root = 0.002, wd = 0.05;
    compare("adagrad", {lr, eps, root, wd}, [=] {
      return [=, s = 0.0](double w, double g, int) mutable {
        g += wd * w;
        s += g * g;
        return w - lr * g / (std::sqrt(s + root) + eps);
      };
    });
  }

  TEST_CASE("optim: a hyperparameter left empty, a constant zero and a missing gradient are all zero") {
    const Vars w{Tensor::from<double>({1, -2, 3}, {3})};
    const SgdState state{{Tensor::from<double>({0.1, 0.2, 0.3}, {3})}};
    const Vars g = bowl_gradient(w);
    const auto empty = sgd({number(0.1)}, w, g, state);
    const auto zero = sgd({number(0.1), number(0), number(0)}, w, g, state);
    CHECK(same_bits(empty.params[0].value(), zero.params[0].value()));
    CHECK(empty.params[0].value().at(1) == doctest::Approx(-2 + 0.1 * 5));
    const auto missing = sgd({number(0.1), number(0.5)}, w, {Var()}, state);
    CHECK(missing.params[0].value().at(2) == doctest::Approx(3 - 0.1 * 0.5 * 0.3));
  }

  TEST_CASE("optim: every rule has usual values inside their ranges, and works in f32 on several parameters") {
    for (const std::string& name : optimizer_names()) {
      INFO("rule: ", name);
      const Optimizer optimizer = make_optimizer(name);
      CHECK(optimizer.name == name);
      for (const HyperInfo& info : optimizer.hyper) {
        CHECK(info.initial >= 0);
        if (info.range == HyperInfo::Range::positive) CHECK(info.initial > 0);
        if (info.range == HyperInfo::Range::unit_interval) CHECK(info.initial < 1);
      }
      const Vars w{Tensor::full({2, 3}, 2), Tensor::full({4}, -1), Tensor::full({3, 2}, 1)};
      const std::function<Evaluation(const Vars&)> seen = [&](const Vars& at) {  // the loss falls along (-1, 1, -1)
        return Evaluation{{Tensor::full({2, 3}, 3), Tensor::full({4}, -5), Tensor::full({3, 2}, 1)},
                          sum(at[0]) - sum(at[1]) + sum(at[2]) + 100,
                          seen};
      };
      Step step{w, optimizer.init(w)};
      for (std::int64_t t = 1; t <= 2; ++t)
        step = optimizer.step(initial_hyper(optimizer, DType::f32), step.params, seen(step.params), step.state, t);
      CHECK(step.params[0].dtype() == DType::f32);
      CHECK(step.params[0].value().at(5) < 2);
      CHECK(step.params[1].value().at(3) > -1);
      CHECK(step.params[2].value().at(0) < 1);
      CHECK(step.state.size() == optimizer.init(w).size());
      for (const Var& buffer : step.state) CHECK(buffer.dtype() == DType::f32);
    }
  }

  TEST_CASE("optim: what does not fit is refused") {
    CHECK_THROWS_WITH_AS(make_optimizer("lyon"),
                         "[optimizer] \"lyon\" is no optimizer; did you mean lion? (glocal list optimizers shows all)",
                         ValueError);
    const Optimizer adam = make_optimizer("adam");
    const Vars w{Tensor::zeros({3}, f64)}, hyper = initial_hyper(adam, f64), state = adam.init(w);
    CHECK_THROWS_AS(adam.step(hyper, w, {}, state, 1), ShapeError);
    CHECK_THROWS_AS(adam.step(hyper, w, {Tensor::zeros({4}, f64)}, state, 1), ShapeError);
    CHECK_THROWS_AS(adam.step(hyper, w, w, {w[0]}, 1), ShapeError);
    CHECK_THROWS_AS(adam.step({hyper[0]}, w, w, state, 1), ShapeError);
    CHECK_THROWS_AS(adam.step(hyper, w, w, state, 0), ValueError);
    CHECK_THROWS_AS(adam.step(initial_hyper(adam, DType::f32), w, w, state, 1), DTypeError);
    Vars long_lr = hyper;
    long_lr[0] = Tensor::ones({3}, f64);
    CHECK_THROWS_WITH_AS(adam.step(long_lr, w, w, state, 1), "[adam] lr must be one number, its shape is (3,)",
                         ShapeError);
  }
}

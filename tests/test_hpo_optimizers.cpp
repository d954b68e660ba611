// Every hyperparameter of every optimiser: forward = reverse = finite differences, through a small conv net with
// BatchNorm whose running statistics are part of the state and are read by E.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <glocal/hpo/estimators/global.h>
#include <glocal/nn/layers/activation.h>
#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/layers/flatten.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/layers/sequential.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/model.h>
#include <glocal/optim/clip.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>
#include <glocal/optim/schedule.h>

#include "message_of.h"
#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("gradcheck");

namespace {

constexpr DType f64 = DType::f64;

nn::Model conv_net() {
  const Key root = key(3);
  nn::Sequential net(nn::Conv2d(split(root, 0), 1, 3, 3, {}, f64), nn::BatchNorm(3, f64), nn::Activation{glocal::tanh},
                     nn::Flatten{}, nn::Linear(split(root, 1), 27, 3, f64));
  return nn::erase("conv_net", std::move(net), {1, 5, 5}, 3);
}

struct Images {
  Tensor x, y;
};
Images images(std::uint64_t stream) {
  Tensor y({6}, DType::i32);
  for (std::int64_t i = 0; i < 6; ++i)
    y.data<std::int32_t>()[i] = static_cast<std::int32_t>((i + std::int64_t(stream)) % 3);
  return {normal(split(key(11), stream), {6, 1, 5, 5}, 0, 1, f64), y};
}

// How one step turns phi into the optimiser's numbers, and (optionally) its gradients.
struct Recipe {
  std::function<Vars(const Vars& phi, std::int64_t t)> hyper;
  std::function<Vars(Vars gradient, const Vars& phi)> gradients = [](Vars gradient, const Vars&) { return gradient; };
};

// State: parameters, running statistics, optimiser buffers.
FlatProblem training(const optim::Optimizer& optimizer, const nn::Model& model, Recipe recipe) {
  const std::size_t p = model.parameters.size(), b = model.stats.size();
  const auto part = [](const Vars& s, std::size_t from, std::size_t to) {
    return Vars(s.begin() + std::ptrdiff_t(from), s.begin() + std::ptrdiff_t(to));
  };
  FlatProblem problem;
  problem.init = [=](const Vars&) {
    Vars s = model.parameters;
    for (const Vars& more : {model.stats, optimizer.init(model.parameters)})
      s.insert(s.end(), more.begin(), more.end());
    return s;
  };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t t) {
    const Images batch = images(std::uint64_t(t % 3));
    const auto loss = [&](const Vars& weights) {
      nn::Pass pass{.training = true, .stats = part(s, p, p + b)};
      const Var logits = model.forward(weights, batch.x, pass);
      return std::pair<Var, Vars>(nn::cross_entropy(logits, batch.y), pass.updated);
    };
    const auto [value, gradient] = value_and_grad(loss)(part(s, 0, p));
    const optim::Step next = optimizer.step(recipe.hyper(phi, t), part(s, 0, p), recipe.gradients(gradient, phi),
                                            part(s, p + b, s.size()), t + 1);
    Vars out = next.params;
    for (const Vars& more : {value.second, next.state}) out.insert(out.end(), more.begin(), more.end());
    return out;
  };
  problem.outer = [=](const Vars& s, const Vars&, std::int64_t) {
    const Images batch = images(7);
    nn::Pass pass{.training = false, .stats = part(s, p, p + b)};
    return nn::cross_entropy(model.forward(part(s, 0, p), batch.x, pass), batch.y);
  };
  return problem;
}

// Central differences of order six with a step for each number's own size.
std::vector<double> scaled_differences(const FlatProblem& problem, const Vars& phi, std::int64_t T) {
  std::vector<double> h;
  for (std::size_t leaf = 0; leaf < phi.size(); ++leaf) {
    const double step = 2e-3 * std::abs(phi[leaf].item());
    const auto slope = [&](double d) {
      return (outer_after(problem, phi, T, leaf, 0, d) - outer_after(problem, phi, T, leaf, 0, -d)) / (2 * d);
    };
    h.push_back(1.5 * slope(step) - 0.6 * slope(2 * step) + 0.1 * slope(3 * step));
  }
  return h;
}

void check_all_agree(const FlatProblem& problem, const Vars& phi, const std::vector<std::string>& names) {
  for (std::int64_t T : {1, 2, 7}) {
    const std::vector<double> reverse = global_reverse(problem, phi, T).h, forward = global_forward(problem, phi, T).h;
    const std::vector<double> fd = scaled_differences(problem, phi, T);
    for (std::size_t k = 0; k < names.size(); ++k) {
      CAPTURE(T);
      CAPTURE(names[k]);
      CAPTURE(forward[k]);
      CAPTURE(fd[k]);
      // The derivative of what one relative step changes: phi_k dE/dphi_k, held against that of E itself.
      const double size = std::abs(phi[k].item()), floor = 1e-2;
      CHECK(std::abs(reverse[k] - forward[k]) * size <= 1e-9 * std::max(floor, std::abs(forward[k]) * size));
      CHECK(std::abs(forward[k] - fd[k]) * size <= 1e-6 * std::max(floor, std::abs(fd[k]) * size));
      const bool feels_first_step = names[k] != "momentum" && names[k] != "beta1" && names[k] != "beta2";
      if (T == 7 || (T == 1 && feels_first_step && names[k].rfind("lr_", 0) != 0)) CHECK(forward[k] != 0);
    }
  }
}

// Values at which every hyperparameter matters and differences are well conditioned.
double test_value(const std::string& name) {
  if (name == "lr") return 0.05;
  if (name == "momentum") return 0.7;
  if (name == "beta1") return 0.8;
  if (name == "beta2" || name == "alpha" || name == "decay") return 0.9;
  if (name == "weight_decay") return 0.02;
  if (name == "eps") return 1e-2;
  if (name == "eps_root") return 1e-4;
  FAIL("no test value for hyperparameter ", name, "; add one");
  return 0;
}

}  // namespace

TEST_CASE("every hyperparameter of optimisers without thresholds: forward reverse and differences agree") {
  for (const char* name : {"sgd", "nesterov", "adam", "adamw", "rmsprop", "adagrad"}) {  // others: optim derivatives
    CAPTURE(name);
    const optim::Optimizer optimizer = optim::make_optimizer(name);
    Vars phi;
    std::vector<std::string> names;
    for (const optim::HyperInfo& info : optimizer.hyper) {
      names.push_back(info.name);
      phi.push_back(number(test_value(info.name)));
    }
    check_all_agree(training(optimizer, conv_net(), {[](const Vars& h, std::int64_t) { return h; }}), phi, names);
  }
}

TEST_CASE("schedules and gradient clipping: forward reverse and differences agree") {
  const optim::Optimizer sgd = optim::make_optimizer("sgd");
  for (const std::string& name : optim::schedule_names()) {
    CAPTURE(name);
    optim::ScheduleOptions options{.T = 7, .every = 2, .knots = 3, .warm_up = 2};
    const optim::Schedule schedule = optim::make_schedule(name, "lr", 0.1, options);
    Vars phi;
    std::vector<std::string> names;
    for (const optim::HyperInfo& info : schedule.hyper) {
      names.push_back(info.name);
      phi.push_back(number(info.initial == 0 ? 0.05 : info.initial));
    }
    Recipe recipe;
    recipe.hyper = [=](const Vars& h, std::int64_t t) { return Vars{schedule.at(h, t), number(0.5), number(0.01)}; };
    check_all_agree(training(sgd, conv_net(), recipe), phi, names);
  }
  Recipe clipped;
  clipped.hyper = [](const Vars&, std::int64_t) { return Vars{number(0.1), number(0.5), number(0.01)}; };
  clipped.gradients = [](Vars g, const Vars& phi) { return optim::clip_by_global_norm(g, phi[0]).grads; };
  check_all_agree(training(sgd, conv_net(), clipped), {number(0.3)}, {"max_norm"});
}

TEST_CASE("Adam hypergradient with a gradient that is exactly zero is finite and right (others give NaN)") {
  // The second weight never enters the loss.
  for (const char* name : {"adam", "adamw", "rmsprop", "adagrad"}) {
    CAPTURE(name);
    const optim::Optimizer optimizer = optim::make_optimizer(name);
    FlatProblem problem;
    const Vars w0{Tensor::from(std::vector<double>{1.0, 0.4}, {2})};
    problem.init = [=](const Vars&) {
      Vars s = w0;
      const Vars buffers = optimizer.init(w0);
      s.insert(s.end(), buffers.begin(), buffers.end());
      return s;
    };
    problem.step = [=](const Vars& s, const Vars& phi, std::int64_t t) {
      const auto loss = [](const Var& w) { return sum(square(slice(w, 0, 0, 1) - 3.0)); };
      Vars hyper = phi;
      const Vars usual = optim::initial_hyper(optimizer, f64);
      hyper.insert(hyper.end(), usual.begin() + 1, usual.end());
      const optim::Step next = optimizer.step(hyper, {s[0]}, {grad(loss)(s[0])}, Vars(s.begin() + 1, s.end()), t + 1);
      Vars out = next.params;
      out.insert(out.end(), next.state.begin(), next.state.end());
      return out;
    };
    problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return sum(square(s[0])); };
    for (std::int64_t T : {1, 5}) {
      const double reverse = global_reverse(problem, {number(0.1)}, T).h[0];
      const double forward = global_forward(problem, {number(0.1)}, T).h[0];
      const double fd = differences(problem, {number(0.1)}, T, 1e-4)[0];
      CHECK(std::isfinite(reverse));
      CHECK(reverse == doctest::Approx(forward).epsilon(1e-9));
      CHECK(forward == doctest::Approx(fd).epsilon(1e-6));
    }
  }
}

TEST_CASE("NumericError names step and component where Adam has eps_root 0 and a gradient that is exactly 0") {
  const optim::Optimizer adam = optim::make_optimizer("adam");
  FlatProblem problem;
  problem.names = {"lr", "beta2"};
  const Vars w0{Tensor::from(std::vector<double>{1.0, 0.4}, {2})};
  problem.init = [=](const Vars&) {
    Vars s = w0;
    for (const Var& buffer : adam.init(w0)) s.push_back(buffer);
    return s;
  };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t t) {
    // The second weight does not enter the loss, whose gradient there is exactly 0.
    const auto loss = [](const Var& w) { return sum(square(slice(w, 0, 0, 1) - 3.0)); };
    Vars hyper = optim::initial_hyper(adam, f64);
    for (std::size_t i = 0; i < hyper.size(); ++i) {
      if (adam.hyper[i].name == "lr") hyper[i] = phi[0];
      if (adam.hyper[i].name == "beta2") hyper[i] = phi[1];
      if (adam.hyper[i].name == "eps_root") hyper[i] = number(0);
    }
    const optim::Step next = adam.step(hyper, {s[0]}, {grad(loss)(s[0])}, Vars(s.begin() + 1, s.end()), t + 1);
    Vars out = next.params;
    out.insert(out.end(), next.state.begin(), next.state.end());
    return out;
  };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return sum(square(s[0])); };
  const Vars phi{number(0.1), number(0.999)};
  for (const bool forward : {false, true}) {
    const std::string text = message_of<NumericError>(
        [&] { return forward ? global_forward(problem, phi, 5) : global_reverse(problem, phi, 5); });
    CAPTURE(text);
    CHECK(text.find("the hypergradient of beta2 is") != std::string::npos);
    CHECK(text.find(forward ? "at step 1," : "at step 5,") != std::string::npos);  // the first that each mode meets
  }
}

TEST_SUITE_END();

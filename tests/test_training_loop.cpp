// What a training loop asks of memory, and how far f32 is from f64 after an unroll through it.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <functional>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/lenet.h>
#include <glocal/nn/models/mlp.h>
#include <glocal/optim/rules/adam.h>
#include <glocal/optim/rules/sgd.h>

using namespace glocal;

namespace {

Var number(double value, DType dtype = DType::f32) { return Tensor::scalar(value, dtype); }

Tensor labels(std::int64_t n, std::int32_t classes) {
  Tensor y({n}, DType::i32);
  for (std::int64_t i = 0; i < n; ++i) y.data<std::int32_t>()[i] = static_cast<std::int32_t>(i) % classes;
  return y;
}

#if !defined(__SANITIZE_ADDRESS__)  // under which no block is recycled
// A network's loss, and training by any rule with parameters of its own, moved from step to step.
struct Loop {
  std::function<Var(const Vars&)> loss;
  Vars parameters;

  template <class State, class Rule>
  std::function<void()> stepping(Rule rule) const {
    Vars own;
    for (const Var& w : parameters) own.push_back(w.value().clone());
    auto state = std::make_shared<std::pair<Vars, State>>(own, optim::zero_state<State>(own));
    return [loss = loss, rule, state, t = std::int64_t{0}]() mutable {
      Vars gradient = grad(loss)(state->first);
      auto next = rule(std::move(state->first), std::move(gradient), std::move(state->second), ++t);
      *state = {std::move(next.params), std::move(next.state)};
    };
  }
};

Loop mlp_loop(std::int64_t n) {
  const nn::Mlp net(key(1), {20, 16, 5}, nn::make_activation("relu"));
  const Var x = normal(key(2), {n, 20});
  const Tensor y = labels(n, 5);
  return {[=](const Vars& w) {
            nn::Pass pass;
            return nn::cross_entropy(unflatten(net, w)(x, pass), y);
          },
          flatten(net)};
}

#if !defined(__SANITIZE_THREAD__)
std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}
#endif

Loop lenet_loop(std::int64_t n) {
  const nn::LeNet net(key(1), {1, 14, 14}, 10);
  const Var x = normal(key(2), {n, 1, 14, 14});
  const Tensor y = labels(n, 10);
  return {[=](const Vars& w) { return nn::cross_entropy(unflatten(net, w)(x), y); }, flatten(net)};
}
#endif

// Hypergradient of T steps of SGD with respect to (log lr, momentum, weight decay), all in one element type.
hpo::Hypergradient unrolled(const std::function<Var(const Vars&, DType)>& loss, const Vars& start, DType dtype,
                            std::int64_t T) {
  const std::size_t n = start.size();
  hpo::FlatProblem problem;
  problem.init = [=](const Vars&) {
    Vars s;
    for (const Var& w : start) s.push_back(w.value().to(dtype));
    for (const Var& w : start) s.push_back(Tensor::zeros(w.shape(), dtype));
    return s;
  };
  const auto part = [n](const Vars& s, bool first) {
    return first ? Vars(s.begin(), s.begin() + std::ptrdiff_t(n)) : Vars(s.begin() + std::ptrdiff_t(n), s.end());
  };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t) {
    const Vars gradient = grad([&](const Vars& w) { return loss(w, dtype); })(part(s, true));
    auto next = optim::sgd({exp(phi[0]), phi[1], phi[2]}, part(s, true), gradient, {part(s, false)});
    next.params.insert(next.params.end(), next.state.velocity.begin(), next.state.velocity.end());
    return next.params;
  };
  problem.outer = [=](const Vars& s, const Vars&, std::int64_t) { return loss(part(s, true), dtype); };
  return hpo::global_reverse(problem, {number(std::log(0.05), dtype), number(0.9, dtype), number(1e-3, dtype)}, T);
}

// |h32 - h64| / |h64|, both from the same numbers.
double single_precision_error(const std::function<Var(const Vars&, DType)>& loss, const Vars& start, std::int64_t T) {
  const hpo::Hypergradient exact = unrolled(loss, start, DType::f64, T), fast = unrolled(loss, start, DType::f32, T);
  double difference = 0, size = 0;
  for (std::size_t k = 0; k < exact.h.size(); ++k) {
    difference = std::hypot(difference, fast.h[k] - exact.h[k]);
    size = std::hypot(size, exact.h[k]);
  }
  MESSAGE("f32 against f64 after ", T, " steps: hypergradient ", difference / size, ", loss ",
          std::abs(fast.outer / exact.outer - 1));
  CHECK(std::abs(fast.outer / exact.outer - 1) <= 1e-5);
  return difference / size;
}

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("training loop: hypergradients in f32 are those in f64 through products and normalisation") {
  const nn::Mlp net(key(1), {20, 32, 32, 5}, nn::make_activation("relu"));
  const Tensor x = normal(key(2), {64, 20}), y = labels(64, 5);
  const auto loss = [=](const Vars& w, DType dtype) {
    nn::Pass pass;
    return nn::cross_entropy(unflatten(net, w)(Var(x.to(dtype)), pass), y);
  };
  CHECK(single_precision_error(loss, flatten(net), 50) <= 1e-5);
}

// The 3x3 convolutions run by Winograd's F(4x4, 3x3) in f32 and directly in f64, in all three directions.
// Smooth on purpose: one relu whose input is rounded to the other side of 0 moves the hypergradient by 1e-4.
TEST_CASE("training loop: hypergradients in f32 are those in f64 through Winograd convolutions") {
  const auto weight = [](std::uint64_t k, Shape shape, std::int64_t fan_in) {
    return normal(key(k), shape, 0, std::sqrt(2.0 / double(fan_in)));
  };
  const Vars start{weight(1, {16, 16, 3, 3}, 144), weight(2, {32, 16, 3, 3}, 144), weight(3, {32, 5}, 32),
                   Tensor::ones({16}), Tensor::zeros({16})};
  const Tensor x = normal(key(4), {16, 16, 12, 12}), y = labels(16, 5);
  const auto loss = [=](const Vars& w, DType dtype) {
    const Conv2dSpec same{{1, 1}, {1, 1}};
    const Var a = batch_norm(conv2d(Var(x.to(dtype)), w[0], same), w[3], w[4], 1e-5, true).y;
    return nn::cross_entropy(matmul(global_avg_pool(silu(conv2d(a, w[1], same))), w[2]), y);
  };
  CHECK(single_precision_error(loss, start, 20) <= 1e-5);
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("training loop: nothing is asked from the system after the first step") {
  const auto sgd = [](Vars w, Vars g, optim::SgdState s, std::int64_t) {
    return optim::sgd({number(0.01), number(0.9), number(1e-4)}, std::move(w), std::move(g), std::move(s));
  };
  const auto adam = [](Vars w, Vars g, optim::AdamState s, std::int64_t t) {
    const optim::AdamHyper hyper{number(1e-3), number(0.9), number(0.999), number(1e-8), number(1e-20)};
    return optim::adam(hyper, std::move(w), std::move(g), std::move(s), t);
  };
  for (const Loop& loop : {mlp_loop(1), mlp_loop(64), lenet_loop(8)})
    for (const auto& step : {loop.stepping<optim::SgdState>(sgd), loop.stepping<optim::AdamState>(adam)}) {
      step();
      const std::int64_t warm = memory_use().system_allocations, live = memory_use().live_bytes;
      for (int t = 0; t < 20; ++t) step();
      CHECK(memory_use().system_allocations == warm);
      CHECK(memory_use().live_bytes == live);
    }
}

#if !defined(__SANITIZE_THREAD__)  // whose own memory grows
TEST_CASE("training loop: 10,000 steps grow the process by at most 1 MiB and leave no tensor") {
  const std::int64_t live = memory_use().live_bytes;
  {
    const Loop loop = mlp_loop(4);
    const auto step = loop.stepping<optim::SgdState>([](Vars w, Vars g, optim::SgdState s, std::int64_t) {
      return optim::sgd({number(0.01), number(0.9), number(1e-4)}, std::move(w), std::move(g), std::move(s));
    });
    for (int t = 0; t < 500; ++t) step();
    const std::int64_t warm = resident_bytes();
    for (int t = 0; t < 10'000; ++t) step();
    REQUIRE(warm > 0);
    CHECK(resident_bytes() - warm <= 1 << 20);
  }
  CHECK(memory_use().live_bytes == live);
}
#endif

TEST_CASE("training loop: recording the same unroll again asks for nothing") {
  const Loop loop = mlp_loop(32);
  const std::size_t n = loop.parameters.size();
  hpo::FlatProblem problem;
  problem.init = [=](const Vars&) {
    Vars s = loop.parameters;
    for (const Var& w : loop.parameters) s.push_back(zeros_like(w));
    return s;
  };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t) {
    const Vars w(s.begin(), s.begin() + std::ptrdiff_t(n)), v(s.begin() + std::ptrdiff_t(n), s.end());
    auto next = optim::sgd({exp(phi[0]), phi[1]}, w, grad(loop.loss)(w), {v});
    next.params.insert(next.params.end(), next.state.velocity.begin(), next.state.velocity.end());
    return next.params;
  };
  problem.outer = [=](const Vars& s, const Vars&, std::int64_t) {
    return loop.loss({s.begin(), s.begin() + std::ptrdiff_t(n)});
  };
  const Vars phi{number(std::log(0.1)), number(0.9)};
  for (const hpo::UnrollPlan& plan : {hpo::stored_plan(20), hpo::segment_plan(20)}) {
    hpo::global_reverse(problem, phi, 20, plan);
    const std::int64_t warm = memory_use().system_allocations;
    for (int i = 0; i < 3; ++i) hpo::global_reverse(problem, phi, 20, plan);
    CHECK(memory_use().system_allocations == warm);
  }
}
#endif

TEST_CASE("training loop: parameters given away are overwritten in place, those that others hold are not") {
  const auto step = [](Vars& w, optim::SgdState& s) {
    auto next = optim::sgd({number(0.5), number(0.5)}, std::move(w), {ones_like(Tensor::ones({3}))}, std::move(s));
    w = std::move(next.params);
    s = std::move(next.state);
  };
  Vars w{Tensor::ones({3})};
  optim::SgdState s = optim::zero_state<optim::SgdState>(w);
  const void *w_before = w[0].value().raw(), *v_before = s.velocity[0].value().raw();
  step(w, s);
  CHECK(w[0].value().raw() == w_before);
  CHECK(s.velocity[0].value().raw() == v_before);
  CHECK(w[0].value().at(1) == 0.5);

  const Var held = w[0];
  const Tensor held_numbers = s.velocity[0].value();
  step(w, s);
  CHECK(held.value().at(1) == 0.5);
  CHECK(held_numbers.at(1) == 1);
  CHECK(w[0].value().at(1) == -0.25);
  CHECK(s.velocity[0].value().at(1) == 1.5);
}

TEST_SUITE_END();

#include <doctest/doctest.h>
#include <pthread.h>

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/memory.h>
#include <glocal/core/random.h>

#include "sanitized.h"

using namespace glocal;

namespace {

Var number(double value) { return Tensor::scalar(value, DType::f64); }
Tensor gaussian(std::uint64_t seed, const Shape& shape) { return normal(key(seed), shape, 0, 1, DType::f64); }
double relative(double a, double b) { return std::abs(a - b) / std::max(std::abs(a), std::abs(b)); }
bool equal_bits(const Vars& a, const Vars& b) {
  bool equal = a.size() == b.size();
  for (std::size_t i = 0; equal && i < a.size(); ++i) equal = same_bits(a[i].value(), b[i].value());
  return equal;
}

// d f / dx of a scalar function of one number, in either mode.
template <class F>
auto derivative(F f, bool forward) {
  return [=](const Var& x) { return forward ? jvp(f, x, ones_like(x)).second : grad(f)(x); };
}

// Gradient descent with momentum on the loss of a small network: state (w, velocity, lr, momentum).
struct State {
  Var w, velocity, lr, momentum;
  auto fields() { return std::tie(w, velocity, lr, momentum); }
};

const Var inputs = gaussian(1, {7, 4}), targets = gaussian(2, {7, 3});

Var loss_at(const Var& w) { return mean(square(tanh(matmul(inputs, w)) - targets)); }

State train_step(const State& s, std::int64_t t) {
  const Var gradient = grad(loss_at)(s.w) * (1 + 0.1 * std::sin(double(t)));
  const Var velocity = s.momentum * s.velocity + gradient;
  return {s.w - s.lr * velocity, velocity, s.lr, s.momentum};
}

// The loss after T steps as a function of (lr, momentum); segment < 0 stores the whole unroll.
auto trained(std::int64_t T, std::int64_t segment) {
  return [=](const Vars& h) {
    State s{gaussian(3, {4, 3}), Tensor::zeros({4, 3}, DType::f64), h[0], h[1]};
    if (segment < 0) {
      for (std::int64_t t = 0; t < T; ++t) s = train_step(s, t);
    } else {
      s = scan(train_step, s, T, segment);
    }
    return loss_at(s.w);
  };
}

const Vars hyper{number(0.3), number(0.8)};

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("autodiff transforms: closed forms of each") {
  const Var x = Tensor::from(std::vector<double>{0.3, -1.2, 2}, {3}), v = gaussian(4, {3});
  const auto f = [](const Var& u) { return sum(exp(sin(u))); };
  const auto first = [](double u) { return std::exp(std::sin(u)) * std::cos(u); };
  const auto second = [](double u) { return std::exp(std::sin(u)) * (std::cos(u) * std::cos(u) - std::sin(u)); };
  const Var g = grad(f)(x), h = hvp(f, x, v);
  double slope = 0, value = 0;
  for (int i = 0; i < 3; ++i) {
    const double u = x.value().at(i);
    CHECK(relative(g.value().at(i), first(u)) < 1e-14);
    CHECK(relative(h.value().at(i), second(u) * v.value().at(i)) < 1e-14);
    slope += first(u) * v.value().at(i);
    value += std::exp(std::sin(u));
  }
  const auto [y, dy] = jvp(f, x, v);
  CHECK(relative(y.item(), value) < 1e-15);
  CHECK(relative(dy.item(), slope) < 1e-14);
  const auto [y2, pullback] = vjp(f, x);
  CHECK(y2.item() == y.item());
  CHECK(same_bits(pullback(number(1)).value(), g.value()));
  CHECK(relative(pullback(number(-2)).value().at(1), -2 * first(-1.2)) < 1e-14);  // as often as wanted
  const auto [y3, pushforward] = linearize(f, x);
  CHECK(y3.item() == y.item());
  CHECK(relative(pushforward(v).item(), slope) < 1e-14);
  CHECK(relative(pushforward(scale(v, 3)).item(), 3 * slope) < 1e-14);
  const auto [y4, gradient] = value_and_grad(f)(x);
  CHECK(y4.item() == y.item());
  CHECK(same_bits(gradient.value(), g.value()));
  const auto [y5, dys] = jvps(f, x, {v, x, zeros_like(x)});
  CHECK(same_bits(dys[0].value(), dy.value()));
  CHECK(same_bits(dys[1].value(), jvp(f, x, x).second.value()));
  CHECK(dys[2].item() == 0);
  // A number returned twice gets both of its gradients.
  const auto twice = [&](const Var& u) {
    const Var once = f(u);
    return Vars{once, once, sum(u)};
  };
  const auto [y6, all_back] = vjp(twice, x);
  CHECK(relative(all_back(Vars{number(2), number(3), number(0)}).value().at(0), 5 * first(0.3)) < 1e-14);
}

TEST_CASE("autodiff transforms: what a transform returns may be const, of functions that are const and that are not") {
  int calls = 0;
  const auto cube = [](const Var& x) { return x * square(x); };
  auto counting = [&calls, n = 0](const Var& x) mutable {
    calls = ++n;
    return x * square(x);
  };
  const auto check_all = [](auto& f) {
    const Var x = number(2), one = number(1);
    const auto g = grad(f);
    const auto both = value_and_grad(f);
    const auto kept = checkpoint(f);
    const auto [y, pullback] = vjp(f, x);
    const auto [z, pushforward] = linearize(f, x);
    CHECK(g(x).item() == 12);
    CHECK(both(x).first.item() == 8);
    CHECK(both(x).second.item() == 12);
    CHECK(kept(x).item() == 8);
    CHECK(grad(kept)(x).item() == 12);
    CHECK(pullback(one).item() == 12);
    CHECK(pushforward(one).item() == 12);
    CHECK(jvp(f, x, one).second.item() == 12);
    CHECK(jvp(g, x, one).second.item() == 12);
    CHECK(hvp(f, x, one).item() == 12);
    CHECK(grad(g)(x).item() == 12);
    const auto step = [&f](const Var& s, std::int64_t) mutable { return f(s); };
    CHECK(scan(step, x, 2).item() == 512);
  };
  check_all(cube);
  check_all(counting);
  const auto g = grad(counting);
  const int before = calls;
  g(number(1));
  g(number(1));
  CHECK(calls == before + 2);  // one function, not a copy for each call
}

TEST_CASE("autodiff transforms: hvp of a quadratic form is its matrix") {
  const Tensor a = gaussian(5, {4, 4});
  const Var x = gaussian(6, {4, 1}), v = gaussian(7, {4, 1});
  const auto form = [&](const Var& u) { return sum(u * matmul(a, u)); };
  const Var expected = matmul(a, v) + matmul(a, v, true);
  const Var difference = hvp(form, x, v) - expected;
  CHECK(max(reshape(abs(difference), {4}), 0).item() < 1e-13);
}

TEST_CASE("autodiff transforms: third derivative of x^5 in all eight mixtures of modes") {
  for (int modes = 0; modes < 8; ++modes) {
    const auto f = [](const Var& x) { return pow(x, 5); };
    const auto third = derivative(derivative(derivative(f, modes & 1), modes & 2), modes & 4);
    CHECK(relative(third(number(2)).item(), 240) < 1e-14);
  }
}

TEST_CASE("autodiff transforms: no perturbation confusion") {
  // d/dx [x d/dy (x + y)] = 1 and d/dx [x d/dy (x y)] = 2 x, whatever the modes.
  for (int modes = 0; modes < 4; ++modes) {
    const bool inner = modes & 1, outer = modes & 2;
    const auto sum_case = [=](const Var& x) {
      return x * derivative([=](const Var& y) { return x + y; }, inner)(number(1));
    };
    CHECK(derivative(sum_case, outer)(number(3)).item() == 1);
    const auto product_case = [=](const Var& x) {
      return x * derivative([=](const Var& y) { return x * y; }, inner)(number(5));
    };
    CHECK(derivative(product_case, outer)(number(3)).item() == 6);
    const auto constant_case = [=](const Var& x) {
      return x * derivative([=](const Var&) { return x; }, inner)(number(5));
    };
    CHECK(derivative(constant_case, outer)(number(3)).item() == 0);
  }
}

TEST_CASE("autodiff transforms: stop_gradient freezes a factor") {
  const auto f = [](const Var& x) { return x * stop_gradient(x); };
  CHECK(grad(f)(number(3)).item() == 3);
  CHECK(jvp(f, number(3), number(1)).second.item() == 3);
  CHECK(grad(grad(f))(number(3)).item() == 0);
}

TEST_CASE("autodiff transforms: wrong uses are refused") {
  const Var x = Tensor::ones({3}, DType::f64);
  CHECK_THROWS_AS(grad([](const Var& u) { return exp(u); })(x), ShapeError);
  CHECK_THROWS_AS(jvp([](const Var& u) { return exp(u); }, x, Tensor::ones({2}, DType::f64)), ShapeError);
  CHECK_THROWS_AS(jvp([](const Var& u) { return exp(u); }, x, Tensor::ones({3})), ShapeError);
  CHECK_THROWS_AS(scan([](const Var& s, std::int64_t) { return s; }, x, -1), ValueError);
  CHECK_THROWS_AS(exp(Var()), TraceError);
  const auto double_exp = [](const Vars& u) { return Vars{exp(u[0]), exp(u[0])}; };
  const Var other = Tensor::ones({1}, DType::f64);
  CHECK_THROWS_AS(jvp(double_exp, Vars{x}, {x, x}), ShapeError);
  CHECK_THROWS_AS(vjp(double_exp, Vars{x}).second({x}), ShapeError);
  CHECK_THROWS_AS(vjp(double_exp, Vars{x}).second({x, other}), ShapeError);  // would broadcast without a word
  CHECK_THROWS_AS(linearize(double_exp, Vars{x}).second({other}), ShapeError);
  CHECK_THROWS_AS(linearize(double_exp, Vars{x}).second({x, x}), ShapeError);
}

TEST_CASE("autodiff transforms: a traced value used after its transform throws") {
  for (const bool forward : {false, true}) {
    Var leaked;
    const auto keep = [&](const Var& x) { return leaked = x * x; };
    derivative(keep, forward)(number(3));
    CHECK(leaked.item() == 9);
    CHECK_THROWS_AS(leaked + number(1), TraceError);
    // The level is open again, but by another run: neither order of operands may slip through.
    CHECK_THROWS_AS(derivative([&](const Var& x) { return x * leaked; }, false)(number(1)), TraceError);
    CHECK_THROWS_AS(derivative([&](const Var& x) { return leaked * x; }, false)(number(1)), TraceError);
    CHECK_THROWS_AS(derivative([&](const Var& x) { return x * leaked; }, true)(number(1)), TraceError);
    CHECK_THROWS_AS(derivative([&](const Var&) { return leaked + number(1); }, true)(number(1)), TraceError);
  }
  CHECK(grad([](const Var& x) { return x * x; })(number(3)).item() == 6);  // the stack of levels is intact
}

TEST_CASE("autodiff transforms: checkpoint refuses a captured traced value") {
  for (const bool forward : {false, true}) {
    const auto f = [](const Var& x) { return checkpoint([&](const Var& u) { return u * x; })(x); };
    CHECK_THROWS_AS(derivative(f, forward)(number(3)), TraceError);
  }
}

TEST_CASE("autodiff transforms: checkpoint has the derivatives of its function") {
  const auto f = [](const Vars& x) { return sum(sin(x[0]) * exp(x[1])); };
  const auto saved = checkpoint([](const Vars& x) { return std::pair(sin(x[0]) * exp(x[1]), x[1]); });
  const auto g = [&](const Vars& x) { return sum(saved(x).first); };
  const Vars x{gaussian(8, {3}), gaussian(9, {3})}, u{gaussian(10, {3}), gaussian(11, {3})};
  CHECK(f(x).item() == g(x).item());
  CHECK(equal_bits(grad(f)(x), grad(g)(x)));
  CHECK(jvp(f, x, u).second.item() == jvp(g, x, u).second.item());
  CHECK(equal_bits(hvp(f, x, u), hvp(g, x, u)));
  const auto reverse_reverse = [&](auto function) {
    return grad([=](const Vars& a) {
      const Vars first = grad(function)(a);
      return dot(first[0], u[0]) + dot(first[1], u[1]);
    })(x);
  };
  CHECK(equal_bits(reverse_reverse(f), reverse_reverse(g)));
  const auto reverse_forward = [&](auto function) {
    return grad([=](const Vars& a) { return jvp(function, a, u).second; })(x);
  };
  CHECK(equal_bits(reverse_forward(f), reverse_forward(g)));
  const auto third = [&](auto function) {
    return jvp([=](const Vars& a) { return hvp(function, a, u); }, x, u).second;
  };
  CHECK(equal_bits(third(f), third(g)));
  CHECK(linearize(f, x).second(u).item() == linearize(g, x).second(u).item());
  const auto [y, dy] = jvps(g, x, {u, x});
  CHECK(dy[1].item() == jvp(f, x, x).second.item());
}

TEST_CASE("autodiff transforms: scan equals the stored unroll in every bit") {
  const Vars stored = grad(trained(23, -1))(hyper);
  for (const std::int64_t segment : {0, 1, 4, 23, 50}) {
    CHECK(trained(23, segment)(hyper).item() == trained(23, -1)(hyper).item());
    CHECK(equal_bits(stored, grad(trained(23, segment))(hyper)));
  }
  const auto [y, dy] = jvps(trained(23, 0), hyper, {{number(1), number(0)}, {number(0), number(1)}});
  CHECK(relative(dy[0].item(), stored[0].item()) < 1e-12);
  CHECK(relative(dy[1].item(), stored[1].item()) < 1e-12);
  const double h = 1e-4;
  const auto at = [&](double step) { return trained(23, -1)({number(0.3 + step), hyper[1]}).item(); };
  const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  CHECK(relative(difference, stored[0].item()) < 1e-9);
  CHECK(scan([](const Var& s, std::int64_t) { return exp(s); }, number(2), 0).item() == 2);
}

TEST_CASE("autodiff transforms: second derivatives through scan agree in all modes") {
  const Vars u{number(1), number(-0.5)};
  const double forward_reverse_stored = hvp(trained(6, -1), hyper, u)[0].item();
  CHECK(relative(hvp(trained(6, 2), hyper, u)[0].item(), forward_reverse_stored) < 1e-12);
  const Vars reverse_reverse = grad([&](const Vars& a) {
    const Vars g = grad(trained(6, 2))(a);
    return g[0] * u[0] + g[1] * u[1];
  })(hyper);
  CHECK(relative(reverse_reverse[0].item(), forward_reverse_stored) < 1e-12);
  const Vars reverse_forward = grad([&](const Vars& a) { return jvp(trained(6, 2), a, u).second; })(hyper);
  CHECK(relative(reverse_forward[0].item(), forward_reverse_stored) < 1e-12);
}

TEST_CASE("autodiff transforms: scan needs less memory than the stored unroll") {
  const auto peak = [](std::int64_t segment) {
    const auto step = [](const Var& s, std::int64_t) { return sin(s); };
    const auto run = [&](const Var& x) {
      Var s = x;
      for (int t = 0; segment < 0 && t < 100; ++t) s = step(s, t);
      return sum(segment < 0 ? s : scan(step, s, 100, segment));
    };
    const Var x = Tensor::full({10000}, 0.5, DType::f64);
    reset_peak_memory();
    const std::int64_t before = memory_use().live_bytes;
    grad(run)(x);
    CHECK(memory_use().live_bytes == before);
    return double(memory_use().peak_bytes - before) / double(x.value().bytes());
  };
  const double stored = peak(-1), checkpointed = peak(0);
  CHECK(stored >= 100);
  CHECK(checkpointed <= 30);  // ten states, and one segment of ten steps
}

TEST_CASE("autodiff transforms: nothing is kept alive by a recording that has gone") {
  const std::int64_t before = memory_use().live_bytes;
  for (int i = 0; i < 3; ++i) {
    const Var x = gaussian(12, {100});
    const auto saved = checkpoint([](const Vars& u) { return sin(u[0]) * u[1]; });
    const auto f = [&](const Vars& u) { return sum(saved(u)); };
    const Var y = vjp(f, Vars{x, x}).second(number(1))[0];
    const Var dy = linearize(f, Vars{x, x}).second({x, x});
    hvp(f, Vars{x, x}, {x, x});
  }
  CHECK(memory_use().live_bytes == before);
}

namespace {

constexpr int chain_length = sanitized ? 100'000 : 1'000'000;

// Records, differentiates and frees a chain in which every node has two parents on the tape.
void* run_chain(void* result) {
  const auto chain = [](const Vars& x) {
    Var y = x[0];
    for (int i = 0; i < chain_length; ++i) y = i % 2 ? mul(y, x[1]) : scale(y, 1.0);
    return y;
  };
  const double factor = 1 - 1.0 / chain_length;
  const Vars x{number(2), number(factor)};
  const Vars g = grad(chain)(x);
  static_cast<double*>(result)[0] = g[0].item();
  static_cast<double*>(result)[1] = jvp(chain, x, {number(1), number(0)}).second.item();
  return nullptr;
}

}  // namespace

TEST_CASE("autodiff transforms: a chain of a million nodes lives on a stack of 256 KiB") {
  double derivatives[2] = {};
  pthread_attr_t attributes;
  pthread_t thread;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  REQUIRE(pthread_create(&thread, &attributes, run_chain, derivatives) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
  const double expected = std::pow(1 - 1.0 / chain_length, chain_length / 2);
  CHECK(relative(derivatives[0], expected) < 1e-10);
  CHECK(relative(derivatives[1], expected) < 1e-10);
}

TEST_SUITE_END();

// What other libraries of the field get wrong in a configuration they advertise, and is right here. Adam's beta2 is in
// test_optim_derivatives, the solvers of implicit differentiation in test_hpo_implicit, fits in test_hpo_dmd_methods.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/core/random.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/nn/layers/batch_norm.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>

#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

TEST_CASE("known wrong answer: the first momentum buffer of SGD is not detached") {
  // Loss a w^2 / 2, w_0 = phi. v_1 = a w_0 depends on phi: with it cut off, w_2 would be another multiple of phi.
  const double a = 0.7, lr = 0.3, mu = 0.9, w0 = 1.3;
  const optim::Optimizer sgd = optim::make_optimizer("sgd");
  FlatProblem problem;
  problem.init = [&](const Vars& phi) {
    Vars s{phi[0]};
    for (const Var& buffer : sgd.init(s)) s.push_back(buffer);
    return s;
  };
  problem.step = [&](const Vars& s, const Vars&, std::int64_t t) {
    const Vars hyper{number(lr), number(mu), number(0)};
    optim::Step next = sgd.step(hyper, {s[0]}, {a * s[0]}, {s.begin() + 1, s.end()}, t + 1);
    Vars out = next.params;
    out.insert(out.end(), next.state.begin(), next.state.end());
    return out;
  };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return 0.5 * square(s[0]); };
  REQUIRE(sgd.hyper.size() == 3);
  double w = 1, v = 0;  // per unit of w_0
  for (int t = 0; t < 5; ++t) {
    v = mu * v + a * w;
    w -= lr * v;
  }
  for (const bool forward : {false, true}) {
    const Vars phi{number(w0)};
    const double h = forward ? global_forward(problem, phi, 5).h[0] : global_reverse(problem, phi, 5).h[0];
    CHECK(h == doctest::Approx(w * w * w0).epsilon(1e-13));
  }
}

TEST_CASE("known wrong answer: forward mode clamps nothing and hides no NaN") {
  // One step from w with curvature 1e6 and lr 1: w_1 = -999999 w, far beyond any clamp.
  const FlatProblem steep = scalar_quadratic(1e6, 2);
  const double w3 = 2 * std::pow(1 - 1e6, 3);
  const double slope = 2 * 3 * std::pow(1 - 1e6, 2) * -1e6;  // d w_3 / d eta at momentum 0
  CHECK(global_forward(steep, {number(1), number(0)}, 3).h[0] == doctest::Approx(w3 * slope).epsilon(1e-12));
  CHECK(global_reverse(steep, {number(1), number(0)}, 3).h[0] == doctest::Approx(w3 * slope).epsilon(1e-12));

  FlatProblem cusp = scalar_quadratic(1, 0);
  cusp.step = [](const Vars& s, const Vars& phi, std::int64_t) { return Vars{s[0] + sqrt(s[0] * phi[0]), s[1]}; };
  // d sqrt at 0
  CHECK_THROWS_WITH_AS(global_forward(cusp, {number(1), number(0)}, 2), doctest::Contains("at step 1,"), NumericError);
  MetaOptimizer meta;
  CHECK_THROWS_AS(meta.step({0, 0}, {NAN, 0}), NumericError);
}

TEST_CASE("known wrong answer: batch statistics are not frozen inside the unroll") {
  // Batch norm does not see the scale of its input; with the statistics frozen it would.
  const Tensor x = normal(key(3), {6, 4}, 0.5, 2, DType::f64), c = normal(key(4), {6, 4}, 0, 1, DType::f64);
  const Var ones{Tensor::full({4}, 1, DType::f64)}, zeros{Tensor::zeros({4}, DType::f64)};
  FlatProblem problem;
  problem.init = [&](const Vars& phi) { return Vars{phi[0]}; };
  problem.step = [&](const Vars& s, const Vars&, std::int64_t) {
    const auto loss = [&](const Var& w) {
      return sum(Var(c) * batch_norm(scale_by(Var(x), w), ones, zeros, 1e-300).y);
    };
    return Vars{s[0] - 0.1 * grad(loss)(s[0])};
  };
  problem.outer = [&](const Vars& s, const Vars&, std::int64_t) {
    return sum(Var(c) * batch_norm(scale_by(Var(x), s[0]), ones, zeros, 1e-300).y);
  };
  const Vars phi{number(1.7)};
  CHECK(std::abs(global_reverse(problem, phi, 3).h[0]) < 1e-12);
  CHECK(std::abs(global_forward(problem, phi, 3).h[0]) < 1e-12);
}

TEST_CASE("known wrong answer: a convolution has a jvp, not only a vjp") {
  const auto draw = [](std::uint64_t k, const Shape& shape) { return Var(normal(key(k), shape, 0, 1, DType::f64)); };
  const Var x = draw(1, {2, 3, 5, 5}), w = draw(2, {4, 3, 3, 3}), dx = draw(3, {2, 3, 5, 5}),
            dw = draw(4, {4, 3, 3, 3});
  const auto f = [](const Vars& in) { return Vars{conv2d(in[0], in[1])}; };
  const auto [y, dy] = jvp(f, Vars{x, w}, Vars{dx, dw});
  const Var exact = conv2d(dx, w) + conv2d(x, dw);  // it is bilinear
  CHECK(dot(dy[0] - exact, dy[0] - exact).item() < 1e-24 * dot(exact, exact).item());
  const Var gy = draw(5, y[0].shape());
  const auto [again, pull] = vjp(f, Vars{x, w});
  const Vars g = pull(Vars{gy});
  CHECK(dot(gy, dy[0]).item() == doctest::Approx(dot(g[0], dx).item() + dot(g[1], dw).item()).epsilon(1e-12));
}

TEST_SUITE_END();

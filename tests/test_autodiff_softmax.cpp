// The softmax family against its definition, at extreme logits, and the cross-entropy's derivatives.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/parallel.h>

using namespace glocal;

namespace {

Tensor from(const std::vector<double>& numbers, const Shape& shape) { return Tensor::from(numbers, shape); }

double largest_gap(const Var& a, const Var& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a.value().at(i) - b.value().at(i));
    worst = difference <= worst ? worst : std::isnan(difference) ? HUGE_VAL : difference;
  }
  return worst;
}

// softmax by its definition, in long double.
Tensor reference(const Tensor& x) {
  const std::int64_t K = x.dim(-1);
  Tensor y(x.shape(), DType::f64);
  for (std::int64_t row = 0; row < x.size(); row += K) {
    long double sum = 0;
    for (std::int64_t k = row; k < row + K; ++k) sum += std::exp(static_cast<long double>(x.at(k)));
    for (std::int64_t k = row; k < row + K; ++k)
      y.data<double>()[k] = static_cast<double>(std::exp(static_cast<long double>(x.at(k))) / sum);
  }
  return y;
}

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("autodiff softmax: rows follow the definition for any rank") {
  for (const Shape& shape : {Shape{5}, Shape{3, 1}, Shape{4, 7}, Shape{2, 3, 10}, Shape{300, 100}}) {
    INFO(shape.to_string());
    const Tensor x = normal(key(1), shape, 0.5, 3, DType::f64), s = reference(x);
    CHECK(largest_gap(softmax(x), s) < 1e-14);
    CHECK(largest_gap(log_softmax(x), log(s)) < 1e-13);
    CHECK(largest_gap(softmax(x.to(DType::f32)), s.to(DType::f32)) < 1e-6);
    const Tensor d = normal(key(2), shape, 0, 1, DType::f64);
    const Var along = sum(mul(s, d), {-1}, true);
    CHECK(largest_gap(softmax_lin(d, x), mul(s, sub(d, along))) < 1e-14);
  }
}

TEST_CASE("autodiff softmax: stable at logits of 10000 either way") {
  for (DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = from({1e4, 0, -1e4, -1e4, -1e4, -1e4, 1e4, 1e4, 9999}, {3, 3}).to(dtype);
    const Tensor p = from({0, 1, 0, 0.25, 0.25, 0.5, 0.5, 0.25, 0.25}, {3, 3}).to(dtype);
    const double a = 2 + std::exp(-1.0);
    CHECK(largest_gap(softmax(x), from({1, 0, 0, 1. / 3, 1. / 3, 1. / 3, 1 / a, 1 / a, std::exp(-1.0) / a}, {3, 3})) <
          1e-7);
    CHECK(largest_gap(log_softmax(x), from({0, -1e4, -2e4, -std::log(3), -std::log(3), -std::log(3), -std::log(a),
                                            -std::log(a), -1 - std::log(a)},
                                           {3, 3})) < 1e-6);
    const auto loss = [&](const Var& v) { return softmax_cross_entropy(v, p); };
    const auto [y, pullback] = vjp(loss, Var(x));
    CHECK(largest_gap(y, from({1e4, std::log(3), std::log(a) + 0.25}, {3})) < 1e-6);
    const Var gx = pullback(from({1, 2, 3}, {3}).to(dtype));
    const double t = 1. / 3, u = 1 / a, w = std::exp(-1.0) / a;
    CHECK(largest_gap(gx, from({1, -1, 0, 2 * (t - 0.25), 2 * (t - 0.25), 2 * (t - 0.5), 3 * (u - 0.5), 3 * (u - 0.25),
                                3 * (w - 0.25)},
                               {3, 3})) < 1e-6);
  }
}

TEST_CASE("autodiff softmax: a logit of minus infinity has probability zero; a NaN is never lost") {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = from({0, -infinity, 0}, {1, 3});
  CHECK(same_bits(softmax(x).value(), from({0.5, 0, 0.5}, {1, 3})));
  CHECK(softmax_cross_entropy(x, from({1, 0, 0}, {1, 3})).item() == doctest::Approx(std::log(2)).epsilon(1e-15));
  CHECK(softmax_cross_entropy(x, from({0, 1, 0}, {1, 3})).item() == infinity);
  for (std::int64_t i = 0; i < 3; ++i) {
    Tensor bad = from({1, 2, 3}, {1, 3});
    bad.data<double>()[i] = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isnan(softmax_cross_entropy(bad, from({1, 0, 0}, {1, 3})).item()));
    CHECK(std::isnan(softmax(bad).value().at(0)));
  }
}

TEST_CASE("autodiff softmax: cross entropy with weights that do not sum to one") {
  const Tensor x = normal(key(1), {6, 5}, 0, 2, DType::f64), p = uniform(key(2), {6, 5}, 0, 2, DType::f64);
  const Tensor gy = normal(key(3), {6}, 0, 1, DType::f64);
  const Var s = reference(x), g = reshape(gy, {6, 1});
  const auto [y, pullback] = vjp([](const std::pair<Var, Var>& a) { return softmax_cross_entropy(a.first, a.second); },
                                 std::pair<Var, Var>(x, p));
  CHECK(largest_gap(y, neg(sum(mul(p, log(s)), {1}))) < 1e-13);
  const auto [gx, gp] = pullback(gy);
  CHECK(largest_gap(gx, mul(g, sub(mul(s, sum(p, {1}, true)), p))) < 1e-14);
  CHECK(largest_gap(gp, mul(neg(g), log(s))) < 1e-13);
}

TEST_CASE("autodiff softmax: the Hessian of the cross entropy is diag(s) - s s^T") {
  const Tensor x = normal(key(1), {1, 4}, 0, 1, DType::f64), p = from({0, 0, 1, 0}, {1, 4});
  const Tensor s = reference(x);
  for (std::int64_t k = 0; k < 4; ++k) {
    Tensor unit = Tensor::zeros({1, 4}, DType::f64);
    unit.data<double>()[k] = 1;
    const Var column = hvp([&](const Var& v) { return sum(softmax_cross_entropy(v, p)); }, Var(x), Var(unit));
    for (std::int64_t i = 0; i < 4; ++i)
      CHECK(column.value().at(i) == doctest::Approx((i == k ? s.at(i) : 0) - s.at(i) * s.at(k)).epsilon(1e-13));
  }
}

TEST_CASE("autodiff softmax: second order stays on the fused kernels") {
  const Tensor x = normal(key(1), {8, 10}, 0, 1, DType::f64),
               p = softmax(normal(key(2), {8, 10}, 0, 1, DType::f64)).value();
  const auto gradient = [&](const Vars& v) {
    return Vars{grad([&](const Var& u) { return sum(softmax_cross_entropy(u, p)); })(v[0])};
  };
  const Recording r = record(gradient, Vars{x});
  std::vector<std::string> names;
  for (std::size_t i = 0; i < r.tape->size(); ++i) {
    const auto* op = dynamic_cast<const Op*>(&r.tape->rule(i));
    REQUIRE(op != nullptr);
    names.push_back(op->name());
  }
  REQUIRE(!names.empty());
  CHECK(names.back() == "softmax_cross_entropy_slope");
}

TEST_CASE("autodiff softmax: the same bits for one and two threads") {
  const int before = threads();
  const Tensor x = normal(key(1), {3000, 17}), p = uniform(key(2), {3000, 17});
  std::vector<Tensor> results[2];
  for (int k = 0; k < 2; ++k) {
    set_threads(k + 1);
    results[k] = {softmax(x).value(), log_softmax(x).value(), softmax_lin(p, x).value(),
                  softmax_cross_entropy(x, p).value()};
  }
  set_threads(before);
  for (std::size_t i = 0; i < 4; ++i) CHECK(same_bits(results[0][i], results[1][i]));
}

TEST_CASE("autodiff softmax: an empty batch, and errors") {
  const Tensor x = Tensor::zeros({2, 3});
  CHECK(softmax(Tensor::zeros({0, 3})).shape() == Shape{0, 3});
  CHECK(softmax_cross_entropy(Tensor::zeros({0, 3}), Tensor::zeros({0, 3})).shape() == Shape{0});
  CHECK_THROWS_AS(softmax(Tensor::scalar(1)), ShapeError);
  CHECK_THROWS_AS(log_softmax(Tensor::zeros({2, 0})), ShapeError);
  CHECK_THROWS_AS(softmax_lin(x, Tensor::zeros({3, 2})), ShapeError);
  CHECK_THROWS_AS(softmax_cross_entropy(x, Tensor::zeros({2})), ShapeError);
  CHECK_THROWS_AS(softmax_cross_entropy(Tensor::zeros({3}), Tensor::zeros({3})), ShapeError);
  CHECK_THROWS_AS(softmax_cross_entropy(x, Tensor::zeros({2, 3}, DType::f64)), DTypeError);
  CHECK_THROWS_AS(softmax(Tensor::zeros({2, 3}, DType::i32)), DTypeError);
}

TEST_SUITE_END();

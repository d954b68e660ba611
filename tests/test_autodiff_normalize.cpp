// normalize against its definition for every pattern of axes; constant channels, large means, threads.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/parallel.h>

using namespace glocal;

namespace {

// Mean of every element's group along `axes`, in long double: groups share their indices on the other axes.
std::vector<long double> group_means(const std::vector<long double>& x, const Shape& shape, const Axes& axes) {
  std::vector<std::size_t> group(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::int64_t rest = static_cast<std::int64_t>(i), id = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      bool reduced = axes.empty();
      for (int a : axes) reduced = reduced || (a + shape.rank()) % shape.rank() == axis;
      if (!reduced) id = id * shape[axis] + rest % shape[axis];
      rest /= shape[axis];
    }
    group[i] = static_cast<std::size_t>(id);
  }
  std::vector<long double> sum(x.size()), count(x.size()), mean;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum[group[i]] += x[i];
    count[group[i]] += 1;
  }
  for (std::size_t i = 0; i < x.size(); ++i) mean.push_back(sum[group[i]] / count[group[i]]);
  return mean;
}

std::vector<long double> reference(const Tensor& x, const Axes& axes, double eps) {
  std::vector<long double> v, squares;
  for (std::int64_t i = 0; i < x.size(); ++i) v.push_back(x.at(i));
  const auto mean = group_means(v, x.shape(), axes);
  for (std::size_t i = 0; i < v.size(); ++i) squares.push_back((v[i] - mean[i]) * (v[i] - mean[i]));
  const auto variance = group_means(squares, x.shape(), axes);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = (v[i] - mean[i]) / std::sqrt(variance[i] + eps);
  return v;
}

double gap(const Var& y, const std::vector<long double>& expected) {
  REQUIRE(y.size() == static_cast<std::int64_t>(expected.size()));
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(y.value().at(static_cast<std::int64_t>(i)) - double(expected[i]));
    worst = difference <= worst ? worst : std::isnan(difference) ? HUGE_VAL : difference;
  }
  return worst;
}

struct Case {
  Shape x;
  Axes axes;
};
const std::vector<Case> cases = {
    {{6, 5, 4, 3}, {0, 2, 3}},   // batch norm of images, long runs
    {{6, 70, 2, 2}, {0, 2, 3}},  // short runs, more channels than one block
    {{9, 130}, {0}},             // batch norm of features
    {{7, 33}, {-1}},             // layer norm
    {{3, 4, 5, 6}, {1, 2, 3}},   // layer norm of images
    {{3, 4, 30}, {2}},           // group norm after a reshape
    {{4, 3, 5, 6}, {1, 3}},      // kept axes that are not neighbours
    {{4, 3, 5, 6}, {0, 2}},
    {{3, 4, 5}, {}},
    {{40}, {0}},
    {{2, 1, 50, 40}, {3, 0, 2}},
};

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("autodiff normalize: follows the definition for every pattern of axes") {
  for (const Case& c : cases) {
    INFO(c.x.to_string());
    for (double mean : {0.0, 100.0}) {
      const Tensor x = normal(key(1), c.x, mean, 2, DType::f64);
      const Var y = normalize(x, c.axes, 1e-3);
      CHECK(y.shape() == c.x);
      CHECK(gap(y, reference(x, c.axes, 1e-3)) < 1e-12);
      const Tensor single = x.to(DType::f32);
      CHECK(gap(normalize(single, c.axes, 1e-3), reference(single, c.axes, 1e-3)) < 1e-6);
    }
  }
}

TEST_CASE("autodiff normalize: small deviations from a mean of 1e8 survive") {
  Tensor x({64, 3}, DType::f64);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data<double>()[i] = 1e8 + double(i % 7) / 64;
  CHECK(gap(normalize(x, {0}, 1e-12), reference(x, {0}, 1e-12)) < 1e-9);
  Tensor single({2, 3, 8, 8});
  for (std::int64_t i = 0; i < single.size(); ++i) single.data<float>()[i] = 1e8f + 8 * static_cast<float>(i % 7);
  CHECK(gap(normalize(single, {0, 2, 3}, 1e-5), reference(single, {0, 2, 3}, 1e-5)) < 1e-6);
}

TEST_CASE("autodiff normalize: an outlier in the first place does not spoil the rest") {
  Tensor x = normal(key(4), {1, 5000}, 0, 1, DType::f64);
  x.data<double>()[0] = 1e6;
  CHECK(gap(normalize(x, {1}, 1e-5), reference(x, {1}, 1e-5)) < 1e-10);
}

TEST_CASE("autodiff normalize: a constant channel gives zeros and a finite derivative") {
  const Tensor x = Tensor::full({4, 2, 3, 3}, 0.1, DType::f64);
  const auto [y, pullback] = vjp([](const Var& v) { return normalize(v, {0, 2, 3}, 1e-4); }, Var(x));
  for (std::int64_t i = 0; i < y.size(); ++i) CHECK(std::abs(y.value().at(i)) < 1e-13);
  const Tensor gy = normal(key(2), x.shape(), 0, 1, DType::f64);
  const Var expected = scale(sub(gy, mean(gy, {0, 2, 3}, true)), 100);
  const Var gx = pullback(gy);
  for (std::int64_t i = 0; i < gx.size(); ++i)
    CHECK(gx.value().at(i) == doctest::Approx(expected.value().at(i)).epsilon(1e-12));
}

TEST_CASE("autodiff normalize: the derivative sees that eps breaks scale invariance") {
  // Along x itself: y(t x) = t (x - mean) / sqrt(t^2 var + eps), so dy/dt = y eps / (var + eps) at t = 1.
  const Tensor x = normal(key(1), {5, 40}, 3, 2, DType::f64);
  const double eps = 0.7;
  const auto [y, dy] = jvp([&](const Var& v) { return normalize(v, {1}, eps); }, Var(x), Var(x));
  const Var deviation = sub(x, mean(x, {1}, true));
  const Var variance = mean(square(deviation), {1}, true);
  const Var expected = mul(y, scale(reciprocal(shift(variance, eps)), eps));
  for (std::int64_t i = 0; i < dy.size(); ++i)
    CHECK(dy.value().at(i) == doctest::Approx(expected.value().at(i)).epsilon(1e-12));
}

TEST_CASE("autodiff normalize: the same bits for one and two threads") {
  const int before = threads();
  for (const Case& c : {Case{{8, 6, 40, 40}, {0, 2, 3}}, Case{{500, 300}, {0}}, Case{{500, 300}, {1}},
                        Case{{20, 30, 20, 20}, {1, 3}}}) {
    const Tensor x = normal(key(1), c.x), gy = normal(key(2), c.x);
    std::vector<Tensor> results[2];
    for (int k = 0; k < 2; ++k) {
      set_threads(k + 1);
      const auto [y, pullback] = vjp([&](const Var& v) { return normalize(v, c.axes, 1e-5); }, Var(x));
      results[k] = {y.value(), pullback(gy).value()};
    }
    set_threads(before);
    for (std::size_t i = 0; i < 2; ++i) CHECK(same_bits(results[0][i], results[1][i]));
  }
}

TEST_CASE("autodiff normalize: an empty batch, and errors") {
  CHECK(normalize(Tensor::zeros({0, 3, 4, 4}), {0, 2, 3}, 1e-5).shape() == Shape{0, 3, 4, 4});
  const Tensor x = Tensor::zeros({2, 3});
  CHECK_THROWS_AS(normalize(x, {2}, 1e-5), ShapeError);
  CHECK_THROWS_AS(normalize(x, {1, -1}, 1e-5), ShapeError);
  CHECK_THROWS_AS(normalize(x, {1}, -1), ValueError);
  CHECK_THROWS_AS(normalize(x, {1}, NAN), ValueError);
  CHECK_THROWS_AS(normalize(Tensor::zeros({2, 3}, DType::i32), {1}, 1e-5), DTypeError);
}

TEST_SUITE_END();

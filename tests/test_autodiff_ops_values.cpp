// What the ops compute: naive references, kinks, extremes, empty tensors, errors. Derivatives: test_autodiff_ops.cpp.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/parallel.h>
#include <glocal/core/random.h>

using namespace glocal;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

Tensor row(std::vector<double> numbers) {
  return Tensor::from(numbers, Shape{static_cast<std::int64_t>(numbers.size())});
}
Tensor i32(std::vector<std::int32_t> numbers, Shape shape) { return Tensor::from(numbers, shape); }
std::vector<double> numbers(const Var& x) {
  const auto span = x.value().span<double>();
  return {span.begin(), span.end()};
}
using List = std::vector<double>;

// Gradient of sum(f(x)) as a list.
template <class F>
List slope(F f, List x) {
  return numbers(grad([&](const Var& v) { return sum(f(v)); })(Var(row(x))));
}

// The flat index of `position` in a tensor of this shape, axes of size 1 staying at 0.
std::int64_t flat(const Shape& shape, const std::vector<std::int64_t>& position) {
  std::int64_t index = 0;
  for (int i = 0; i < shape.rank(); ++i)
    index = index * shape[i] + (shape[i] == 1 ? 0 : position[static_cast<std::size_t>(i)]);
  return index;
}

// Calls f(position) for every element of a shape, in order.
template <class F>
void for_each_position(const Shape& shape, F f) {
  std::vector<std::int64_t> position(static_cast<std::size_t>(shape.rank()));
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    std::int64_t rest = i;
    for (int axis = shape.rank(); axis-- > 0; rest /= shape[axis])
      position[static_cast<std::size_t>(axis)] = rest % shape[axis];
    f(position);
  }
}

// Naive product of matrices stored in f64.
Tensor naive_matmul(const Tensor& a, const Tensor& b, bool ta, bool tb) {
  const std::int64_t m = a.shape()[ta ? 1 : 0], k = a.shape()[ta ? 0 : 1], n = b.shape()[tb ? 0 : 1];
  Tensor c = Tensor::zeros({m, n}, DType::f64);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t l = 0; l < k; ++l)
        c.data<double>()[i * n + j] += a.at(ta ? l * m + i : i * k + l) * b.at(tb ? j * k + l : l * n + j);
  return c;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a.at(i) - b.at(i)));
  return worst;
}

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("autodiff ops values: sum_to and broadcast_to against naive loops for every set of axes") {
  for (const Shape& shape : {Shape{3, 2, 5, 4}, Shape{2, 700, 3, 20}, Shape{1, 3, 1, 40000}})
    for (unsigned set = 0; set < 16; ++set) {
      INFO("shape ", shape.to_string(), ", axes ", set);
      Shape small = shape;
      for (int axis = 0; axis < 4; ++axis)
        if (set >> axis & 1) small = small.with(axis, 1);
      const Tensor x = normal(key(set), shape, 0, 1, DType::f64);
      Tensor sums = Tensor::zeros(small, DType::f64);
      const Tensor wide = broadcast_to(sum_to(x, small), shape).value();
      REQUIRE(wide.shape() == shape);
      std::int64_t i = 0, wrong = 0;
      const Tensor total = sum_to(x, small).value();
      for_each_position(shape, [&](const auto& position) {
        sums.data<double>()[flat(small, position)] += x.at(i);
        wrong += wide.at(i++) != total.at(flat(small, position));
      });
      CHECK(wrong == 0);
      CHECK(largest_difference(total, sums) < 1e-9);
    }
}

TEST_CASE("autodiff ops values: sum keeps f32 accuracy over ten million numbers") {
  const double total = sum(Tensor::full({10'000'000}, 0.1)).item();
  CHECK(std::abs(total / 1e6 - 1) < 1e-6);
  const double column = sum(Tensor::full({2'000'000, 5}, 0.1), {0}).value().at(3);
  CHECK(std::abs(column / 2e5 - 1) < 1e-6);
  CHECK(std::abs(mean(Tensor::full({1000, 3, 32, 32}, 0.1), {0, 2, 3}).value().at(1) / 0.1 - 1) < 1e-6);
  // 2^24 + 1 is no f32, and is summed further all the same.
  const List apart{0x1p24, 1, 0x1p24, 1, -0x1p24, 0, -0x1p24, 0};
  CHECK(sum(Tensor::from(apart, {2, 2, 2}).to(DType::f32), {0, 2}).value().at(1) == 1);
}

TEST_CASE("autodiff ops values: permute against naive loops for every order of axes") {
  for (const Shape& shape : {Shape{3, 5, 2, 7}, Shape{1, 40, 70, 3}, Shape{2, 64, 1, 33}}) {
    Axes axes{0, 1, 2, 3};
    do {
      const Tensor x = normal(key(1), shape);
      const Tensor y = permute(x, axes).value();
      std::int64_t i = 0, wrong = 0;
      for_each_position(y.shape(), [&](const auto& position) {
        std::vector<std::int64_t> source(4);
        for (std::size_t k = 0; k < 4; ++k) source[static_cast<std::size_t>(axes[k])] = position[k];
        wrong += y.at(i++) != x.at(flat(shape, source));
      });
      INFO("shape ", y.shape().to_string());
      CHECK(wrong == 0);
    } while (std::next_permutation(axes.begin(), axes.end()));
  }
}

TEST_CASE("autodiff ops values: matmul against naive loops") {
  for (const bool ta : {false, true})
    for (const bool tb : {false, true})
      for (const std::array<std::int64_t, 3>& size : {std::array<std::int64_t, 3>{1, 1, 1}, {7, 5, 3}, {33, 70, 65}}) {
        const auto [m, n, k] = size;
        const Tensor a = normal(key(1), ta ? Shape{k, m} : Shape{m, k}, 0, 1, DType::f64);
        const Tensor b = normal(key(2), tb ? Shape{n, k} : Shape{k, n}, 0, 1, DType::f64);
        const Tensor c = naive_matmul(a, b, ta, tb);
        CHECK(largest_difference(matmul(a, b, ta, tb).value(), c) < 1e-12);
        const Var batch_a = stack({a, scale(a, 2), scale(a, 3)}, 0), batch_b = stack({b, scale(b, 5), scale(b, 7)}, 0);
        const auto expected = [&](double p, double q, double r) {
          return stack({scale(c, p), scale(c, q), scale(c, r)}, 0).value();
        };
        CHECK(largest_difference(matmul(batch_a, b, ta, tb).value(), expected(1, 2, 3)) < 1e-11);
        CHECK(largest_difference(matmul(a, batch_b, ta, tb).value(), expected(1, 5, 7)) < 1e-11);
        CHECK(largest_difference(matmul(batch_a, batch_b, ta, tb).value(), expected(1, 10, 21)) < 1e-10);
      }
  CHECK(numbers(matmul(Tensor::ones({2, 0}, DType::f64), Tensor::ones({0, 2}, DType::f64))) == List(4, 0.0));
}

TEST_CASE("autodiff ops values: same bits on one and two threads") {
  const int before = threads();
  const Tensor x = normal(key(1), {300, 1000}), y = normal(key(2), {1000, 300});
  const auto run = [&](int count) {
    set_threads(count);
    return Vars{sum(x),          sum(x, {0}),
                sum(x, {1}),     matmul(x, y),
                tanh(x),         permute(x, {1, 0}),
                logsumexp(x, 0), dot(x, x),
                max(x, 1),       mean(reshape(x, {10, 30, 1000}), {0, 2})};
  };
  const Vars one = run(1), two = run(2);
  set_threads(before);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i].value(), two[i].value()));
}

TEST_CASE("autodiff ops values: derivatives at kinks") {
  CHECK(slope([](const Var& x) { return relu(x); }, {-1, 0, 2}) == List{0, 0, 1});
  CHECK(slope([](const Var& x) { return leaky_relu(x, 0.5); }, {-1, 0, 2}) == List{0.5, 0.5, 1});
  CHECK(slope([](const Var& x) { return elu(x, 0.5); }, {0, 2, 800}) == List{0.5, 1, 1});
  CHECK(slope([](const Var& x) { return abs(x); }, {-1, 0, 2}) == List{-1, 0, 1});
  CHECK(slope([](const Var& x) { return sign(x); }, {-1, 0, 2}) == List{0, 0, 0});
  CHECK(slope([](const Var& x) { return clamp(x, -1, 1); }, {-2, -1, 0, 1, 2}) == List{0, 1, 1, 1, 0});
  CHECK(slope([](const Var& x) { return minimum(x, row({1, 1, 1})); }, {0, 1, 2}) == List{1, 0.5, 0});
  CHECK(slope([](const Var& x) { return maximum(row({1, 1, 1}), x); }, {0, 1, 2}) == List{0, 0.5, 1});
  CHECK(slope([](const Var& x) { return maximum(x, x); }, {3}) == List{1});
  CHECK(slope([](const Var& x) { return max(x, 0); }, {1, 4, 4, 2}) == List{0, 1, 0, 0});
  // Forwards a tie takes the mean of both tangents.
  const auto larger = [](const Vars& x) { return maximum(x[0], x[1]); };
  CHECK(numbers(jvp(larger, Vars{row({3}), row({3})}, Vars{row({1}), row({5})}).second) == List{3});
  // The side of elu that is not taken overflows, and its second derivative stays 0.
  const auto elu_slope = [](const Var& x) { return grad([](const Var& u) { return sum(elu(u, 0.5)); })(x); };
  CHECK(slope(elu_slope, {0, 2, 800}) == List{0.5, 0, 0});
  // The bound as f32 is not the bound as f64: it still counts as inside.
  const Var bound = Tensor::full({1}, 0.1, DType::f32);
  CHECK(grad([](const Var& x) { return sum(clamp(x, 0, 0.1)); })(bound).item() == 1);
}

TEST_CASE("autodiff ops values: the branch of where that is not taken gets exactly zero") {
  const Tensor mask = i32({1, 0}, {2});
  CHECK(slope([&](const Var& x) { return where(mask, x, log(x)); }, {-1, 2}) == List{1, 0.5});
  const auto [y, dy] = jvp(
      [&](const Var& x) {
        return where(mask, x, row({5, 6}));
      },
      Var(row({1, not_a_number})), Var(row({3, not_a_number})));
  CHECK(numbers(y) == List{1, 6});
  CHECK(numbers(dy) == List{3, 0});
  CHECK(numbers(where(i32({0}, {}), row({not_a_number}), row({2}))) == List{2});
}

TEST_CASE("autodiff ops values: powers at zero take the limit") {
  const auto first = [](double e) { return slope([e](const Var& x) { return pow(x, e); }, {0.0})[0]; };
  const auto second = [](double e) {
    return slope([e](const Var& x) { return grad([e](const Var& u) { return sum(pow(u, e)); })(x); }, {0.0})[0];
  };
  CHECK(first(0) == 0);
  CHECK(first(1) == 1);
  CHECK(first(2) == 0);
  CHECK(first(0.5) == inf);
  CHECK(first(3) == 0);
  CHECK(second(1) == 0);
  CHECK(second(2) == 2);
  CHECK(second(3) == 0);
  CHECK(second(1.5) == inf);
  const auto both = [](const Vars& x) { return sum(pow(x[0], x[1])); };
  const Vars at{row({0, 0, 2}), row({1, 2, 0})};
  const Vars g = grad(both)(at);
  CHECK(numbers(g[0]) == List{1, 0, 0});
  CHECK(numbers(g[1]) == List{0, 0, std::log(2.0)});
  const Vars h = hvp(both, at, {row({1, 1, 1}), row({0, 0, 0})});
  CHECK(numbers(h[0]) == List{0, 2, 0});
}

TEST_CASE("autodiff ops values: large arguments stay finite and exact") {
  const Tensor x = row({-1e4, -800, 0, 800, 1e4});
  CHECK(numbers(sigmoid(x)) == List{0, 0, 0.5, 1, 1});
  CHECK(numbers(softplus(x)) == List{0, 0, std::log(2.0), 800, 1e4});
  CHECK(numbers(silu(x)) == List{0, 0, 0, 800, 1e4});
  CHECK(numbers(gelu(x)) == List{0, 0, 0, 800, 1e4});
  CHECK(numbers(relu(row({-inf, inf}))) == List{0, inf});
  CHECK(logsumexp(x, 0).item() == 1e4);
  CHECK(logsumexp(row({-inf, -inf}), 0).item() == -inf);
  CHECK(logsumexp(row({1e4, 1e4}), 0).item() == 1e4 + std::log(2.0));
  CHECK(slope([](const Var& v) { return softplus(v); }, {-1e4, 1e4}) == List{0, 1});
  CHECK(std::abs(sigmoid(row({-50})).item() * std::exp(50.0) - 1) < 1e-14);
  CHECK(std::abs(gelu(row({-10})).item() / (-7.619853024160527e-23) - 1) < 1e-12);
}

TEST_CASE("autodiff ops values: f32 tanh and sigmoid over all magnitudes") {
  std::vector<float> x;
  for (int i = -400; i <= 60; ++i)
    for (const double sign : {-1.0, 1.0}) x.push_back(static_cast<float>(sign * std::exp(0.2 * i)));
  const Tensor in = Tensor::from(x, {static_cast<std::int64_t>(x.size())});
  const Tensor t = tanh(in).value(), s = sigmoid(in).value();
  double worst_tanh = 0, worst_sigmoid = 0;
  for (std::int64_t i = 0; i < in.size(); ++i) {
    const double v = in.at(i), exact = std::tanh(v);
    worst_tanh = std::max(worst_tanh, std::abs(t.at(i) - exact) / std::abs(exact));
    if (v > -80) worst_sigmoid = std::max(worst_sigmoid, std::abs(s.at(i) * (1 + std::exp(-v)) - 1));
  }
  CHECK(worst_tanh < 1.2e-7);
  CHECK(worst_sigmoid < 1.2e-7);
}

TEST_CASE("autodiff ops values: a NaN surfaces") {
  for (const Var& y :
       {minimum(row({not_a_number}), row({1})), minimum(row({1}), row({not_a_number})),
        maximum(row({not_a_number}), row({1})), maximum(row({1}), row({not_a_number})),
        clamp(row({not_a_number}), 0, 1), max(row({2, not_a_number, 3}), 0), logsumexp(row({2, not_a_number}), 0),
        relu(row({not_a_number})), tanh(row({not_a_number}).to(DType::f32)), sigmoid(row({not_a_number})),
        sign(row({not_a_number}))})
    CHECK(std::isnan(y.item()));
  CHECK(argmax(row({2, not_a_number, 3, not_a_number}), 0).item() == 1);
}

TEST_CASE("autodiff ops values: index ops") {
  const Var x = row({10, 11, 12, 13, 14, 15});
  CHECK(numbers(take(x, i32({5, -1, 0, 5}, {2, 2}), {4})) == List{15, 0, 10, 15});
  CHECK(numbers(put(row({1, 2, 3, 4}), i32({2, -1, 0, 2}, {4}), {3})) == List{3, 0, 5});
  CHECK(numbers(gather(reshape(x, {2, 3}), 1, i32({2, 2, 0}, {3}))) == List{12, 12, 10, 15, 15, 13});
  CHECK(numbers(scatter(reshape(x, {2, 3}), 1, i32({1, 1, 0}, {3}), 2)) == List{12, 21, 15, 27});
  CHECK(numbers(one_hot(i32({2, 0}, {2}), 3, DType::f64)) == List{0, 0, 1, 1, 0, 0});
  const Tensor blocks = Tensor::from(List{1, 5, 2, 7, 4, 0, 3, 8, 6, 9, 2, 1}, {2, 2, 3});
  CHECK(numbers(max(blocks, 1)) == List{7, 5, 2, 9, 8, 6});
  const Tensor best = argmax(Tensor::from(List{1, 5, 2, 7, 5, 0}, {2, 3}), 0);
  CHECK(best.shape() == Shape{3});
  CHECK(std::vector<std::int32_t>(best.span<std::int32_t>().begin(), best.span<std::int32_t>().end()) ==
        std::vector<std::int32_t>{1, 0, 0});
  CHECK_THROWS_AS(take(x, i32({6}, {1}), {1}), ShapeError);
  CHECK_THROWS_AS(take(x, i32({-2}, {1}), {1}), ShapeError);
  CHECK_THROWS_AS(take(x, i32({0, 1}, {2}), {1}), ShapeError);
  CHECK_THROWS_AS(take(x, row({0}), {1}), DTypeError);
  CHECK_THROWS_AS(put(x, i32({0}, {1}), {3}), ShapeError);
  CHECK_THROWS_AS(gather(x, 0, i32({-1}, {1})), ShapeError);
  CHECK_THROWS_AS(scatter(x, 0, i32({0}, {1}), 3), ShapeError);
  CHECK_THROWS_AS(one_hot(i32({3}, {1}), 3, DType::f32), ShapeError);
}

TEST_CASE("autodiff ops values: shapes") {
  const Var x = Tensor::from(List{0, 1, 2, 3, 4, 5}, {2, 3});
  CHECK(reshape(x, {3, -1}).shape() == Shape{3, 2});
  CHECK(reshape(x, {-1}).shape() == Shape{6});
  CHECK(flatten_from(reshape(x, {1, 2, 3}), 1).shape() == Shape{1, 6});
  CHECK(reshape(x, {6}).value().raw() == x.value().raw());
  CHECK(numbers(transpose(x)) == List{0, 3, 1, 4, 2, 5});
  CHECK(numbers(slice(x, -1, 1, 3)) == List{1, 2, 4, 5});
  CHECK(numbers(pad(x, 1, 1, 0)) == List{0, 0, 1, 2, 0, 3, 4, 5});
  CHECK(numbers(concat({x, slice(x, 1, 0, 1)}, 1)) == List{0, 1, 2, 0, 3, 4, 5, 3});
  CHECK(numbers(stack({x, x}, -1)) == List{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5});
  CHECK(stack({x, x}, 0).shape() == Shape{2, 2, 3});
  CHECK(concat({i32({1}, {1}), i32({2}, {1})}, 0).value().at(1) == 2);
  CHECK_THROWS_AS(reshape(x, {4, -1}), ShapeError);
  CHECK_THROWS_AS(reshape(x, {-1, -1}), ShapeError);
  CHECK_THROWS_AS(reshape(x, {4}), ShapeError);
  CHECK_THROWS_AS(permute(x, {0, 0}), ShapeError);
  CHECK_THROWS_AS(permute(x, {0}), ShapeError);
  CHECK_THROWS_AS(transpose(row({1})), ShapeError);
  CHECK_THROWS_AS(slice(x, 0, 1, 3), ShapeError);
  CHECK_THROWS_AS(slice(x, 2, 0, 1), ShapeError);
  CHECK_THROWS_AS(pad(x, 0, -1, 0), ShapeError);
  CHECK_THROWS_AS(concat({}, 0), ShapeError);
  CHECK_THROWS_AS(concat({x, row({1})}, 0), ShapeError);
  CHECK_THROWS_AS(concat({x, transpose(x)}, 0), ShapeError);
  CHECK_THROWS_AS(stack({x, transpose(x)}, 0), ShapeError);
}

TEST_CASE("autodiff ops values: empty tensors") {
  const Var x = Tensor({0, 3}, DType::f64);
  CHECK(sum(x).item() == 0);
  CHECK(numbers(sum(x, {0})) == List{0, 0, 0});
  CHECK(exp(x).shape() == Shape{0, 3});
  CHECK(mean(x, {1}).shape() == Shape{0});
  CHECK(permute(x, {1, 0}).shape() == Shape{3, 0});
  CHECK(broadcast_to(row({1}), {0, 1}).size() == 0);
  CHECK(matmul(x, Tensor::ones({3, 2}, DType::f64)).shape() == Shape{0, 2});
  CHECK(gather(x, 1, i32({}, {0})).shape() == Shape{0, 0});
  CHECK(numbers(grad([](const Var& v) { return sum(square(v)); })(x)).empty());
  CHECK_THROWS_AS(mean(x, {0}), ShapeError);
  CHECK_THROWS_AS(max(x, 0), ShapeError);
  CHECK_THROWS_AS(logsumexp(x, 0), ShapeError);
}

TEST_CASE("autodiff ops values: errors name the op and the shapes") {
  const Var a = Tensor::ones({2, 3}), b = Tensor::ones({4}), d = Tensor::ones({2, 3}, DType::f64);
  CHECK_THROWS_WITH_AS(add(a, b), doctest::Contains("[add] shapes (2, 3) and (4,)"), ShapeError);
  CHECK_THROWS_WITH_AS(mul(a, d), doctest::Contains("[mul] mixed element types f32 and f64"), DTypeError);
  CHECK_THROWS_WITH_AS(matmul(a, a), doctest::Contains("[matmul] (2, 3) has 3 columns, (2, 3) has 2 rows"), ShapeError);
  CHECK_THROWS_AS(matmul(a, b), ShapeError);
  CHECK_THROWS_AS(matmul(Tensor::ones({2, 1, 3}), Tensor::ones({3, 3, 1})), ShapeError);
  CHECK_THROWS_AS(div(a, d), DTypeError);
  CHECK_THROWS_AS(exp(i32({1}, {1})), DTypeError);
  CHECK_THROWS_AS(add(i32({1}, {1}), i32({1}, {1})), DTypeError);
  CHECK_THROWS_AS(axpy(b, a, a), ShapeError);
  CHECK_THROWS_AS(axpy(Tensor::scalar(1), a, b), ShapeError);
  CHECK_THROWS_AS(scale_by(a, b), ShapeError);
  CHECK_THROWS_AS(dot(a, b), ShapeError);
  CHECK_THROWS_AS(clamp(a, 1, 0), ValueError);
  CHECK_THROWS_AS(clamp(a, not_a_number, 0), ValueError);
  CHECK_THROWS_AS(where(Tensor::ones({2, 3}), a, a), DTypeError);
  CHECK_THROWS_AS(where(i32({1, 0}, {2}), a, a), ShapeError);
  CHECK_THROWS_AS(broadcast_to(a, {3}), ShapeError);
  CHECK_THROWS_AS(sum_to(a, {2}), ShapeError);
  CHECK_THROWS_AS(sum(a, {2}), ShapeError);
}

TEST_SUITE_END();

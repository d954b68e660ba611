// Pooling against its definition; ties, padding and NaN.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/parallel.h>

using namespace glocal;

namespace {

struct Case {
  Shape x;
  PoolSpec spec;
};

const std::vector<Case> cases = {
    {{2, 3, 6, 8}, {}},
    {{2, 3, 7, 5}, {}},
    {{2, 2, 7, 9}, {{3, 3}, {2, 2}, {1, 1}}},
    {{1, 2, 6, 6}, {{3, 2}, {1, 3}, {2, 0}}},
    {{3, 1, 4, 5}, {{4, 5}, {1, 1}}},
    {{2, 2, 5, 7}, {{1, 1}, {2, 3}}},
    {{1, 1, 1, 1}, {{2, 2}, {2, 2}, {1, 1}}},
};

// Calls window(place in y, places in x of one window).
template <class F>
void for_each_window(const Case& c, F window) {
  const PoolSpec& s = c.spec;
  const std::int64_t H = c.x[2], W = c.x[3];
  const std::int64_t OH = (H + 2 * s.padding[0] - s.kernel[0]) / s.stride[0] + 1;
  const std::int64_t OW = (W + 2 * s.padding[1] - s.kernel[1]) / s.stride[1] + 1;
  std::int64_t place = 0;
  for (std::int64_t image = 0; image < c.x[0] * c.x[1]; ++image)
    for (std::int64_t r = 0; r < OH; ++r)
      for (std::int64_t q = 0; q < OW; ++q) {
        std::vector<std::int64_t> inside;
        for (std::int64_t i = 0; i < s.kernel[0]; ++i)
          for (std::int64_t j = 0; j < s.kernel[1]; ++j) {
            const std::int64_t h = r * s.stride[0] - s.padding[0] + i, w = q * s.stride[1] - s.padding[1] + j;
            if (h >= 0 && h < H && w >= 0 && w < W) inside.push_back((image * H + h) * W + w);
          }
        window(place++, inside);
      }
}

Tensor from(const std::vector<double>& numbers, const Shape& shape) { return Tensor::from(numbers, shape); }

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("autodiff pool: max and average follow their definition") {
  for (const Case& c : cases) {
    INFO(c.x.to_string());
    const Tensor x = normal(key(1), c.x, -3, 1, DType::f64);
    const Var largest = max_pool2d(x, c.spec), average = avg_pool2d(x, c.spec);
    const Tensor gy = normal(key(2), average.shape(), 0, 1, DType::f64);
    const Var gx = avg_pool2d_input(gy, c.x, c.spec);
    const Var gmax = vjp([&](const Var& v) { return max_pool2d(v, c.spec); }, Var(x)).second(gy);
    std::vector<double> expected_gx(static_cast<std::size_t>(x.size())), expected_gmax(expected_gx);
    const double area = double(c.spec.kernel[0] * c.spec.kernel[1]);
    std::int64_t windows = 0;
    for_each_window(c, [&](std::int64_t place, const std::vector<std::int64_t>& inside) {
      std::int64_t best = inside.at(0);
      double sum = 0;
      for (std::int64_t i : inside) {
        best = x.at(i) > x.at(best) ? i : best;
        sum += x.at(i);
        expected_gx[static_cast<std::size_t>(i)] += gy.at(place) / area;
      }
      expected_gmax[static_cast<std::size_t>(best)] += gy.at(place);
      CHECK(largest.value().at(place) == x.at(best));
      CHECK(average.value().at(place) == doctest::Approx(sum / area).epsilon(1e-14));
      ++windows;
    });
    CHECK(windows == average.size());
    for (std::int64_t i = 0; i < x.size(); ++i) {
      CHECK(std::abs(gx.value().at(i) - expected_gx[static_cast<std::size_t>(i)]) < 1e-14);
      CHECK(std::abs(gmax.value().at(i) - expected_gmax[static_cast<std::size_t>(i)]) < 1e-14);
    }
  }
}

TEST_CASE("autodiff pool: at ties the derivative goes to the first largest element") {
  for (const PoolSpec& spec : {PoolSpec{}, PoolSpec{{2, 2}, {2, 2}, {1, 1}}}) {
    const Tensor x = from({5, 5, 1, 2, 5, 5, 2, 2, 0, 7, 3, 3, 7, 0, 3, 3}, {1, 1, 4, 4});
    const bool padded = spec.padding[0] == 1;
    const auto [y, pullback] = vjp([&](const Var& v) { return max_pool2d(v, spec); }, Var(x));
    const Var gx =
        pullback(padded ? from({1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 1, 3, 3}) : from({1, 2, 3, 4}, {1, 1, 2, 2}));
    const Tensor expected = padded ? from({1, 2, 0, 3, 4, 0, 0, 0, 0, 5, 0, 6, 7, 0, 8, 9}, {1, 1, 4, 4})
                                   : from({1, 0, 0, 2, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0}, {1, 1, 4, 4});
    CHECK(same_bits(gx.value(), expected));
  }
}

TEST_CASE("autodiff pool: padding never wins and a NaN is never lost") {
  const Var y = max_pool2d(Tensor::full({1, 1, 2, 2}, -5), {{3, 3}, {1, 1}, {1, 1}});
  CHECK(same_bits(y.value(), Tensor::full({1, 1, 2, 2}, -5)));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (std::int64_t i = 0; i < 4; ++i) {
    Tensor x = from({1, 4, 3, 2}, {1, 1, 2, 2});
    x.data<double>()[i] = nan;
    CHECK(std::isnan(max_pool2d(x).item()));
    CHECK(std::isnan(max_pool2d(x, {{2, 2}, {3, 3}}).item()));
  }
}

TEST_CASE("autodiff pool: global average") {
  const Tensor x = from({1, 2, 3, 4, 10, 20, 30, 40}, {1, 2, 2, 2});
  CHECK(same_bits(global_avg_pool(x).value(), from({2.5, 25}, {1, 2})));
  CHECK_THROWS_AS(global_avg_pool(Tensor::ones({2, 3, 4})), ShapeError);
  CHECK_THROWS_AS(global_avg_pool(Tensor::ones({2, 3, 0, 4})), ShapeError);
}

TEST_CASE("autodiff pool: the same bits for one and two threads") {
  const int before = threads();
  const Tensor x = normal(key(1), {6, 5, 60, 60});
  const PoolSpec spec{{3, 3}, {2, 2}, {1, 1}};
  std::vector<Tensor> results[2];
  for (int k = 0; k < 2; ++k) {
    set_threads(k + 1);
    const Var y = avg_pool2d(x, spec);
    const auto [largest, pullback] = vjp([](const Var& v) { return max_pool2d(v); }, Var(x));
    results[k] = {largest.value(), y.value(), avg_pool2d_input(y, x.shape(), spec).value(), pullback(largest).value()};
  }
  set_threads(before);
  for (std::size_t i = 0; i < 4; ++i) CHECK(same_bits(results[0][i], results[1][i]));
}

TEST_CASE("autodiff pool: an empty batch, and errors") {
  CHECK(max_pool2d(Tensor::zeros({0, 3, 4, 4})).shape() == Shape{0, 3, 2, 2});
  CHECK(avg_pool2d(Tensor::zeros({0, 3, 4, 4})).shape() == Shape{0, 3, 2, 2});
  const Tensor x = Tensor::zeros({1, 1, 4, 4});
  CHECK_THROWS_AS(max_pool2d(Tensor::zeros({4, 4})), ShapeError);
  CHECK_THROWS_AS(max_pool2d(x, {{5, 2}}), ShapeError);
  CHECK_THROWS_AS(max_pool2d(x, {{2, 2}, {0, 1}}), ValueError);
  CHECK_THROWS_AS(max_pool2d(x, {{2, 2}, {1, 1}, {2, 0}}), ValueError);
  CHECK_THROWS_AS(avg_pool2d(x, {{0, 2}}), ValueError);
  CHECK_THROWS_AS(avg_pool2d(Tensor::zeros({1, 1, 0, 4}), {{2, 2}, {1, 1}, {1, 1}}), ShapeError);
  CHECK_THROWS_AS(avg_pool2d_input(Tensor::zeros({1, 1, 2, 3}), x.shape()), ShapeError);
  CHECK_THROWS_AS(max_pool2d(Tensor::zeros({1, 1, 4, 4}, DType::i32)), DTypeError);
  CHECK_THROWS_AS(avg_pool2d(Tensor::zeros({1, 1, 4, 4}, DType::i32)), DTypeError);
}

TEST_SUITE_END();

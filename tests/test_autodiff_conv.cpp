// conv2d, conv2d_input and conv2d_weight against their definition, loop by loop.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/parallel.h>
#include <glocal/core/random.h>

#include "message_of.h"

using namespace glocal;

namespace {

struct Case {
  const char* what;
  Shape x, weight;
  Conv2dSpec spec;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"plain 3x3", {2, 3, 7, 6}, {4, 3, 3, 3}, {}},
      {"padding 1", {2, 3, 7, 6}, {4, 3, 3, 3}, {{1, 1}, {1, 1}}},
      {"stride 2 padding 1", {3, 2, 8, 9}, {5, 2, 3, 3}, {{2, 2}, {1, 1}}},
      {"stride differs by axis", {2, 2, 9, 8}, {3, 2, 3, 2}, {{3, 1}, {0, 1}}},
      {"dilation", {2, 2, 9, 10}, {3, 2, 3, 2}, {{1, 1}, {2, 1}, {2, 3}}},
      {"stride and dilation leave pixels over", {1, 2, 11, 10}, {2, 2, 3, 3}, {{3, 2}, {1, 2}, {2, 1}}},
      {"padding wider than the kernel", {2, 1, 3, 4}, {2, 1, 2, 2}, {{1, 2}, {4, 5}}},
      {"groups", {2, 6, 5, 5}, {4, 3, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, 2}},
      {"depthwise with two outputs a channel", {2, 3, 6, 5}, {6, 1, 3, 3}, {{2, 1}, {1, 1}, {1, 1}, 3}},
      {"1x1", {2, 5, 12, 12}, {3, 5, 1, 1}, {}},
      {"1x1 on small images", {7, 5, 2, 3}, {3, 5, 1, 1}, {}},
      {"1x1 grouped", {2, 4, 12, 13}, {6, 2, 1, 1}, {{1, 1}, {0, 0}, {1, 1}, 2}},
      {"1x1 stride 2", {3, 4, 5, 6}, {3, 4, 1, 1}, {{2, 2}}},
      {"kernel as large as the image", {150, 3, 4, 5}, {4, 3, 4, 5}, {}},
      {"kernel 1x5 and 5x1 mixed", {2, 2, 6, 9}, {3, 2, 1, 5}, {{1, 1}, {0, 2}}},
      {"image larger than a tile", {1, 40, 40, 30}, {3, 40, 5, 5}, {{1, 1}, {2, 2}}},
      {"many small images", {37, 3, 5, 5}, {2, 3, 3, 3}, {{1, 1}, {1, 1}}},
      {"LeNet first layer", {4, 1, 28, 28}, {6, 1, 5, 5}, {{1, 1}, {2, 2}}},
  };
  return all;
}

Shape output_shape(const Case& c) {
  const auto size = [&](int axis, std::size_t i) {
    return (c.x[axis] + 2 * c.spec.padding[i] - c.spec.dilation[i] * (c.weight[axis] - 1) - 1) / c.spec.stride[i] + 1;
  };
  return {c.x[0], c.weight[0], size(2, 0), size(3, 1)};
}

// Calls f(place in x, place in weight, place in y) for every product of the convolution.
template <class F>
void for_each_product(const Case& c, F f) {
  const Shape &x = c.x, &w = c.weight, y = output_shape(c);
  const std::int64_t outputs = w[0] / c.spec.groups;
  for (std::int64_t n = 0; n < y[0]; ++n)
    for (std::int64_t o = 0; o < y[1]; ++o)
      for (std::int64_t r = 0; r < y[2]; ++r)
        for (std::int64_t q = 0; q < y[3]; ++q)
          for (std::int64_t k = 0; k < w[1]; ++k)
            for (std::int64_t i = 0; i < w[2]; ++i)
              for (std::int64_t j = 0; j < w[3]; ++j) {
                const std::int64_t h = r * c.spec.stride[0] - c.spec.padding[0] + i * c.spec.dilation[0];
                const std::int64_t v = q * c.spec.stride[1] - c.spec.padding[1] + j * c.spec.dilation[1];
                if (h < 0 || h >= x[2] || v < 0 || v >= x[3]) continue;
                const std::int64_t channel = o / outputs * w[1] + k;
                f(((n * x[1] + channel) * x[2] + h) * x[3] + v, ((o * w[1] + k) * w[2] + i) * w[3] + j,
                  ((n * y[1] + o) * y[2] + r) * y[3] + q);
              }
}

struct Numbers {
  Tensor x, weight, gy;
};
Numbers numbers(const Case& c, DType dtype) {
  const Key k = key(3);
  return {normal(split(k, 0), c.x, 0, 1, dtype), normal(split(k, 1), c.weight, 0, 1, dtype),
          normal(split(k, 2), output_shape(c), 0, 1, dtype)};
}

// Largest difference, relative to the largest number of `expected`.
double gap(const Tensor& got, const std::vector<double>& expected) {
  double worst = 0, size = 1e-30;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    worst = std::fmax(worst, std::abs(got.at(static_cast<std::int64_t>(i)) - expected[i]));
    size = std::fmax(size, std::abs(expected[i]));
  }
  return worst / size;
}

void check_case(const Case& c, DType dtype, double bound) {
  INFO(std::string(c.what), " ", std::string(name_of(dtype)));
  const Numbers z = numbers(c, dtype);
  const auto at = [](const Tensor& t, std::int64_t i) { return t.at(i); };
  std::vector<double> y(static_cast<std::size_t>(z.gy.size())), gx(static_cast<std::size_t>(z.x.size())),
      gw(static_cast<std::size_t>(z.weight.size()));
  for_each_product(c, [&](std::int64_t i, std::int64_t k, std::int64_t o) {
    y[static_cast<std::size_t>(o)] += at(z.x, i) * at(z.weight, k);
    gx[static_cast<std::size_t>(i)] += at(z.gy, o) * at(z.weight, k);
    gw[static_cast<std::size_t>(k)] += at(z.gy, o) * at(z.x, i);
  });
  const Var got = conv2d(z.x, z.weight, c.spec);
  REQUIRE(got.shape() == output_shape(c));
  CHECK(gap(got.value(), y) < bound);
  CHECK(gap(conv2d_input(z.gy, z.weight, c.x, c.spec).value(), gx) < bound);
  CHECK(gap(conv2d_weight(z.x, z.gy, c.weight, c.spec).value(), gw) < bound);
}

Tensor zeros(const Shape& shape, DType dtype = DType::f32) { return Tensor::zeros(shape, dtype); }

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("autodiff conv: the three ops are the sums of their definition") {
  for (const Case& c : cases()) {
    check_case(c, DType::f64, 1e-13);
    check_case(c, DType::f32, 2e-6);
  }
}

TEST_CASE("autodiff conv: the same bits for one and two threads") {
  const int before = threads();
  for (const Case& c : {cases()[2], cases()[7], cases()[10], cases()[13], cases()[15], cases()[17]}) {
    INFO(std::string(c.what));
    const Numbers z = numbers(c, DType::f32);
    std::vector<Tensor> results[2];
    for (int k = 0; k < 2; ++k) {
      set_threads(k + 1);
      results[k] = {conv2d(z.x, z.weight, c.spec).value(), conv2d_input(z.gy, z.weight, c.x, c.spec).value(),
                    conv2d_weight(z.x, z.gy, c.weight, c.spec).value()};
    }
    set_threads(before);
    for (std::size_t i = 0; i < 3; ++i) CHECK(same_bits(results[0][i], results[1][i]));
  }
}

// Joined to pooling, and not: one image, an odd row of outputs, a stride.
TEST_CASE("autodiff conv: conv2d_max_pool is max_pool2d of conv2d, and so are its derivatives") {
  const std::vector<Case> all = {{"joined", {40, 2, 12, 14}, {3, 2, 5, 5}, {{1, 1}, {2, 2}}},
                                 {"one image", {1, 2, 12, 14}, {3, 2, 5, 5}, {{1, 1}, {2, 2}}},
                                 {"an odd row", {40, 2, 11, 14}, {3, 2, 4, 5}, {{1, 1}, {1, 2}}},
                                 {"stride 2", {40, 2, 12, 14}, {3, 2, 3, 3}, {{2, 2}, {1, 1}}}};
  for (const Case& c : all) {
    INFO(std::string(c.what));
    Vars inputs;
    for (const Shape& shape : {c.x, c.weight, Shape{c.weight[0]}})
      inputs.push_back(normal(key(inputs.size()), shape, 0, 1, DType::f64));
    const auto values = [&](auto f) {
      const auto loss = [&](const Vars& a) { return sum(square(f(a))); };
      auto [value, gradient] = value_and_grad(loss)(inputs);
      gradient.push_back(jvp(grad(loss), inputs, inputs).second[1]);
      gradient.push_back(value);
      return gradient;
    };
    const Vars joined = values([&](const Vars& a) { return conv2d_max_pool(a[0], a[1], a[2], c.spec); });
    const Vars apart = values([&](const Vars& a) { return max_pool2d(conv2d(a[0], a[1], a[2], c.spec)); });
    for (std::size_t i = 0; i < joined.size(); ++i) {
      const auto a = joined[i].value().span<double>(), b = apart[i].value().span<double>();
      CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end(),
                       [](double u, double v) { return std::abs(u - v) <= 1e-10 * (1 + std::abs(v)); }));
    }
  }
}

TEST_CASE("autodiff conv: an empty batch gives an empty output and a zero weight gradient") {
  const Conv2dSpec spec{{1, 1}, {1, 1}};
  CHECK(conv2d(zeros({0, 2, 5, 5}), zeros({3, 2, 3, 3}), spec).shape() == Shape{0, 3, 5, 5});
  CHECK(conv2d_input(zeros({0, 3, 5, 5}), zeros({3, 2, 3, 3}), {0, 2, 5, 5}, spec).shape() == Shape{0, 2, 5, 5});
  const Var gw = conv2d_weight(zeros({0, 2, 5, 5}), zeros({0, 3, 5, 5}), {3, 2, 3, 3}, spec);
  CHECK(same_bits(gw.value(), zeros({3, 2, 3, 3})));
  CHECK(same_bits(conv2d(zeros({2, 0, 4, 4}), zeros({3, 0, 3, 3})).value(), zeros({2, 3, 2, 2})));
  const Var bias = Tensor::from(std::vector<float>{1, 2, 3}, {3});
  const Var of_nothing = conv2d(zeros({2, 0, 4, 4}), zeros({3, 0, 3, 3}), bias, {});
  CHECK(same_bits(of_nothing.value(), broadcast_to(reshape(bias, {1, 3, 1, 1}), {2, 3, 2, 2}).value()));
}

TEST_CASE("autodiff conv: the wide padding of an image gives exact zeros") {
  const Var y = conv2d(Tensor::ones({1, 1, 2, 2}), Tensor::ones({1, 1, 1, 1}), {{1, 1}, {2, 1}});
  const std::vector<float> expected = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  CHECK(same_bits(y.value(), Tensor::from(expected, {1, 1, 6, 4})));
}

TEST_CASE("autodiff conv: errors say what does not fit") {
  const Tensor x = zeros({32, 3, 28, 28}), w = zeros({16, 3, 5, 5});
  CHECK(message_of<ShapeError>([&] {
          conv2d(x, zeros({16, 6, 5, 5}));
        }) == "[conv2d] weight (16, 6, 5, 5) expects 6 input channels, x has shape (32, 3, 28, 28)");
  CHECK_THROWS_AS(conv2d(zeros({3, 28, 28}), w), ShapeError);
  CHECK_THROWS_AS(conv2d(x, zeros({16, 3, 5})), ShapeError);
  CHECK_THROWS_AS(conv2d(x, zeros({16, 3, 0, 5})), ShapeError);
  CHECK_THROWS_AS(conv2d(x, zeros({16, 3, 29, 5})), ShapeError);
  CHECK_THROWS_AS(conv2d(x, w, {{1, 1}, {0, 0}, {8, 1}}), ShapeError);
  CHECK_THROWS_AS(conv2d(x, w, {{0, 1}}), ValueError);
  CHECK_THROWS_AS(conv2d(x, w, {{1, -1}}), ValueError);
  CHECK_THROWS_AS(conv2d(x, w, {{1, 1}, {-1, 0}}), ValueError);
  CHECK_THROWS_AS(conv2d(x, w, {{1, 1}, {0, 0}, {1, 0}}), ValueError);
  CHECK_THROWS_AS(conv2d(x, w, {{1, 1}, {0, 0}, {1, 1}, 0}), ValueError);
  CHECK_THROWS_AS(conv2d(x, w, {{1, 1}, {0, 0}, {1, 1}, 2}), ShapeError);
  CHECK_THROWS_AS(conv2d(zeros({1, 4, 8, 8}), zeros({3, 2, 3, 3}), {{1, 1}, {0, 0}, {1, 1}, 2}), ShapeError);
  CHECK_THROWS_AS(conv2d(x, w, {{1, 1}, {std::int64_t(1) << 62, 0}}), ShapeError);
  CHECK_THROWS_AS(conv2d(x, zeros({16, 3, 5, 5}, DType::f64)), DTypeError);
  CHECK_THROWS_AS(conv2d(zeros({1, 1, 4, 4}, DType::i32), zeros({1, 1, 3, 3}, DType::i32)), DTypeError);
  CHECK_THROWS_AS(conv2d_input(zeros({32, 16, 24, 23}), w, x.shape()), ShapeError);
  CHECK_THROWS_AS(conv2d_weight(x, zeros({32, 15, 24, 24}), w.shape()), ShapeError);
  CHECK_THROWS_AS(conv2d_weight(x, zeros({32, 16, 24, 24}, DType::f64), w.shape()), DTypeError);
}

TEST_SUITE_END();

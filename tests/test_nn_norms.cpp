// Normalisation layers: forward and running statistics against loops, derivatives to third order, typed errors.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/group_norm.h>
#include <glocal/nn/layers/layer_norm.h>
#include <glocal/nn/layers/norm.h>

#include "layer_check.h"

using namespace glocal;
using namespace glocal::nn;
using namespace glocal::gradcheck;

namespace {

constexpr DType f64 = DType::f64;

struct Moments {
  double mean, biased, unbiased;
};

// Moments of the numbers of x that `belongs` picks, by flat index.
template <class F>
Moments moments(const Tensor& x, F belongs) {
  double n = 0, sum = 0, squares = 0;
  for (std::int64_t i = 0; i < x.size(); ++i)
    if (belongs(i)) n += 1, sum += x.at(i);
  for (std::int64_t i = 0; i < x.size(); ++i)
    if (belongs(i)) squares += (x.at(i) - sum / n) * (x.at(i) - sum / n);
  return {sum / n, squares / n, squares / (n - 1)};
}

template <class L>
L with_random_affine(L layer) {
  layer.weight = normal(key(31), layer.weight.shape(), 1, 0.5, f64);
  layer.bias = normal(key(32), layer.bias.shape(), 0, 0.5, f64);
  return layer;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("nn batch_norm: training and running statistics against loops, 2d and 1d") {
    const BatchNorm layer = with_random_affine(BatchNorm(3, f64));
    for (const Shape& shape : {Shape{4, 3, 2, 5}, Shape{7, 3}}) {
      const Tensor x = normal(key(1), shape, 2, 3, f64);
      const std::int64_t pixels = shape.size() / (shape[0] * 3);
      Pass pass{.stats = {Tensor::from<double>({1, 2, 3}, {3}), Tensor::from<double>({4, 5, 6}, {3})}};
      const Var y = layer(x, pass);
      REQUIRE(y.shape() == shape);
      REQUIRE(pass.updated.size() == 2);
      const auto channel = [&](std::int64_t i) { return i / pixels % 3; };
      for (std::int64_t c = 0; c < 3; ++c) {
        const Moments m = moments(x, [&](std::int64_t i) { return channel(i) == c; });
        CHECK(pass.updated[0].value().at(c) == doctest::Approx(0.9 * (1.0 + double(c)) + 0.1 * m.mean).epsilon(1e-13));
        CHECK(pass.updated[1].value().at(c) ==
              doctest::Approx(0.9 * (4.0 + double(c)) + 0.1 * m.unbiased).epsilon(1e-13));
        for (std::int64_t i = 0; i < x.size(); ++i)
          if (channel(i) == c) {
            const double unit = (x.at(i) - m.mean) / std::sqrt(m.biased + 1e-5);
            const double expected = layer.weight.value().at(c) * unit + layer.bias.value().at(c);
            REQUIRE(y.value().at(i) == doctest::Approx(expected).epsilon(1e-12));
          }
      }
    }
  }

  TEST_CASE("nn batch_norm: evaluation uses the running statistics and changes none") {
    const BatchNorm layer = with_random_affine(BatchNorm(2, f64));
    const Tensor x = normal(key(1), {3, 2, 2, 2}, 0, 1, f64);
    Pass pass{.training = false, .stats = {Tensor::from<double>({0.5, -1}, {2}), Tensor::from<double>({4, 0.25}, {2})}};
    const Var y = layer(x, pass);
    CHECK(pass.updated.empty());
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const std::int64_t c = i / 4 % 2;
      const double mean = c == 0 ? 0.5 : -1, var = c == 0 ? 4 : 0.25;
      const double expected =
          layer.weight.value().at(c) * (x.at(i) - mean) / std::sqrt(var + 1e-5) + layer.bias.value().at(c);
      CHECK(y.value().at(i) == doctest::Approx(expected).epsilon(1e-13));
    }
  }

  TEST_CASE("nn batch_norm: without statistics training starts from mean 0 and variance 1") {
    const BatchNorm layer(2, f64);
    const Tensor x = normal(key(1), {6, 2}, 3, 1, f64);
    Pass empty, given{.stats = {Tensor::zeros({2}, f64), Tensor::ones({2}, f64)}};
    layer(x, empty);
    layer(x, given);
    CHECK(same_bits(empty.updated[0].value(), given.updated[0].value()));
    CHECK(same_bits(empty.updated[1].value(), given.updated[1].value()));
  }

  TEST_CASE("nn batch_norm: two layers take their statistics in order of use") {
    const BatchNorm a(2, f64), b(3, f64);
    Pass pass{
        .training = false,
        .stats = {Tensor::zeros({2}, f64), Tensor::ones({2}, f64), Tensor::full({3}, 5, f64), Tensor::ones({3}, f64)}};
    a(Tensor::ones({1, 2}, f64), pass);
    const Var y = b(Tensor::full({1, 3}, 5, f64), pass);
    CHECK(y.value().at(0) == doctest::Approx(0).epsilon(1e-15));
    CHECK_THROWS_WITH_AS(a(Tensor::ones({1, 2}, f64), pass), doctest::Contains("more running statistics than the 4"),
                         ShapeError);
  }

  TEST_CASE("nn batch_norm: what does not fit is refused") {
    const BatchNorm layer(3, f64);
    Pass pass, evaluation{.training = false}, wrong{.stats = {Tensor::zeros({2}, f64), Tensor::ones({2}, f64)}};
    CHECK_THROWS_WITH_AS(layer(Tensor::zeros({4, 2, 5, 5}, f64), pass),
                         "[batch_norm] expects x of shape (N, 3, ...), x has shape (4, 2, 5, 5)", ShapeError);
    CHECK_THROWS_AS(layer(Tensor::zeros({1, 3}, f64), pass), ValueError);
    CHECK_THROWS_AS(layer(Tensor::zeros({4, 3}, f64), evaluation), ValueError);
    CHECK_THROWS_AS(layer(Tensor::zeros({4, 3}, f64), wrong), ShapeError);
  }

  TEST_CASE("nn layer_norm: against loops over one and two axes") {
    const Tensor x = normal(key(1), {3, 4, 5}, 1, 2, f64);
    for (const Shape& normalized : {Shape{5}, Shape{4, 5}}) {
      const LayerNorm layer = with_random_affine(LayerNorm(normalized, f64));
      const Var y = layer(x);
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const std::int64_t row = i / normalized.size(), place = i % normalized.size();
        const Moments m = moments(x, [&](std::int64_t k) { return k / normalized.size() == row; });
        const double unit = (x.at(i) - m.mean) / std::sqrt(m.biased + 1e-5);
        const double expected = layer.weight.value().at(place) * unit + layer.bias.value().at(place);
        REQUIRE(y.value().at(i) == doctest::Approx(expected).epsilon(1e-12));
      }
    }
    CHECK_THROWS_WITH_AS(LayerNorm({4}, f64)(x),
                         "[layer_norm] expects the last axes of x to be (4,), x has shape (3, 4, 5)", ShapeError);
  }

  TEST_CASE("nn group_norm: against loops, and independent of the other images") {
    const GroupNorm layer = with_random_affine(GroupNorm(2, 4, f64));
    const Tensor x = normal(key(1), {3, 4, 2, 3}, 1, 2, f64);
    const Var y = layer(x);
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const std::int64_t c = i / 6 % 4;
      const Moments m = moments(x, [&](std::int64_t k) { return k / 12 == i / 12; });
      const double unit = (x.at(i) - m.mean) / std::sqrt(m.biased + 1e-5);
      REQUIRE(y.value().at(i) ==
              doctest::Approx(layer.weight.value().at(c) * unit + layer.bias.value().at(c)).epsilon(1e-12));
    }
    CHECK_THROWS_AS(GroupNorm(3, 4), ValueError);
    CHECK_THROWS_AS(layer(Tensor::zeros({1, 3, 2, 2}, f64)), ShapeError);
  }

  TEST_CASE("nn norm: chosen by name") {
    Pass pass;
    const Tensor x = normal(key(1), {2, 16, 3, 3}, 0, 1, f64);
    CHECK(same_bits(Norm("group", 16, f64)(x, pass).value(), GroupNorm(8, 16, f64)(x).value()));
    CHECK(pass.updated.empty());
    Norm("batch", 16, f64)(x, pass);
    CHECK(pass.updated.size() == 2);
    CHECK_THROWS_WITH_AS(Norm("layer", 16), doctest::Contains("there are: batch, group"), ValueError);
  }
}

TEST_SUITE("gradcheck") {
  TEST_CASE("nn norms: derivatives to third order, running statistics included") {
    check_layer("batch_norm 2d", BatchNorm(2, f64), in_range({{3, 2, 2, 2}}));
    check_layer("batch_norm 1d", BatchNorm(3, f64), in_range({{5, 3}}));
    check_layer("layer_norm", LayerNorm({4}, f64), in_range({{3, 4}}));
    check_layer("group_norm", GroupNorm(2, 4, f64), in_range({{2, 4, 2, 2}}));
  }

  TEST_CASE("nn batch_norm: derivatives of training and evaluation in the statistics that go in") {
    for (const bool training : {true, false}) {
      const OpFunction f = [=](const Vars& v) {
        Pass pass{.training = training, .stats = {v[1], v[2]}};
        BatchNorm layer;
        layer.weight = v[3];
        layer.bias = v[4];
        const Var y = layer(v[0], pass);
        Vars all{reshape(y, {y.size()})};
        for (const Var& stat : pass.updated) all.push_back(stat);
        return concat(all, 0);
      };
      check_row({training ? "training" : "evaluation", "", f,
                 each({in_range({{3, 2, 2, 1}, {2}}), in_range({{2}}, 0.5, 2), in_range({{2}, {2}})})});
    }
  }
}

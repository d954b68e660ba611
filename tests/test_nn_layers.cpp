// Layers without statistics: forward against naive loops, derivatives to third order, typed errors, names.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/nn/layers/activation.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/layers/dropout.h>
#include <glocal/nn/layers/flatten.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/layers/pool.h>
#include <glocal/nn/layers/sequential.h>
#include <glocal/nn/names.h>

#include "layer_check.h"

using namespace glocal;
using namespace glocal::nn;
using namespace glocal::gradcheck;

namespace {

constexpr DType f64 = DType::f64;

double at(const Var& x, std::initializer_list<std::int64_t> index) {
  std::int64_t flat = 0;
  int axis = 0;
  for (const std::int64_t i : index) flat = flat * x.dim(axis++) + i;
  return x.value().at(flat);
}

template <class L>
Var run(const L& layer, const Var& x, bool training = true, Key k = key(5)) {
  Pass pass{.training = training, .key = k};
  return forward(layer, x, pass);
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("nn linear: forward against loops, f32 and f64, and initial range") {
    for (const DType dtype : {DType::f32, f64}) {
      const Linear layer(key(1), 5, 3, dtype);
      const Var x = normal(key(2), {4, 5}, 0, 1, dtype);
      const Var y = layer(x);
      CHECK(y.shape() == Shape{4, 3});
      for (std::int64_t n = 0; n < 4; ++n)
        for (std::int64_t o = 0; o < 3; ++o) {
          double sum = at(layer.bias, {o});
          for (std::int64_t i = 0; i < 5; ++i) sum += at(x, {n, i}) * at(layer.weight, {i, o});
          CHECK(at(y, {n, o}) == doctest::Approx(sum).epsilon(dtype == f64 ? 1e-14 : 1e-5));
        }
      for (std::int64_t i = 0; i < 15; ++i) CHECK(std::abs(layer.weight.value().at(i)) <= 1 / std::sqrt(5.0));
    }
  }

  TEST_CASE("nn conv2d: forward against loops, with stride, padding and groups") {
    const Conv2d layer(key(1), 4, 6, 3, {.spec = {.stride = {2, 1}, .padding = {1, 0}, .groups = 2}}, f64);
    CHECK(layer.weight.shape() == Shape{6, 2, 3, 3});
    const Var x = normal(key(2), {2, 4, 5, 6}, 0, 1, f64);
    const Var y = layer(x);
    REQUIRE(y.shape() == Shape{2, 6, 3, 4});
    for (std::int64_t n = 0; n < 2; ++n)
      for (std::int64_t o = 0; o < 6; ++o)
        for (std::int64_t i = 0; i < 3; ++i)
          for (std::int64_t j = 0; j < 4; ++j) {
            double sum = at(*layer.bias, {o});
            for (std::int64_t c = 0; c < 2; ++c)
              for (std::int64_t p = 0; p < 3; ++p)
                for (std::int64_t q = 0; q < 3; ++q) {
                  const std::int64_t row = 2 * i + p - 1, column = j + q;
                  if (row >= 0 && row < 5)
                    sum += at(layer.weight, {o, c, p, q}) * at(x, {n, o / 3 * 2 + c, row, column});
                }
            CHECK(at(y, {n, o, i, j}) == doctest::Approx(sum).epsilon(1e-13));
          }
  }

  TEST_CASE("nn conv2d: without bias it has one parameter") {
    const Conv2d layer(key(1), 1, 2, 3, {.bias = false}, f64);
    CHECK(flatten(layer).size() == 1);
    CHECK(leaf_names(layer) == std::vector<std::string>{"weight"});
  }

  TEST_CASE("nn pool and flatten: values on a small image") {
    const Var x = Tensor::from<double>({1, 2, 5, 6, 3, 4, 7, 8, -1, -2, 0, 1, -3, -4, 2, 9}, {1, 1, 4, 4});
    const Var most = run(MaxPool2d{}, x), average = run(AvgPool2d{}, x), all = run(GlobalAvgPool{}, x);
    CHECK(same_bits(most.value(), Tensor::from<double>({4, 8, -1, 9}, {1, 1, 2, 2})));
    CHECK(same_bits(average.value(), Tensor::from<double>({2.5, 6.5, -2.5, 3}, {1, 1, 2, 2})));
    CHECK(all.shape() == Shape{1, 1});
    CHECK(all.item() == doctest::Approx(38.0 / 16));
    CHECK(run(Flatten{}, reshape(x, {2, 2, 2, 2})).shape() == Shape{2, 8});
  }

  TEST_CASE("nn activation: each name gives its function") {
    const double v = 0.7;
    const auto value = [&](const char* name, double at_x) {
      return make_activation(name)(Tensor::scalar(at_x, f64)).item();
    };
    CHECK(value("relu", -v) == 0);
    CHECK(value("relu", v) == v);
    CHECK(value("leaky_relu", -v) == doctest::Approx(-0.007));
    CHECK(value("elu", -v) == doctest::Approx(std::expm1(-v)));
    CHECK(value("gelu", v) == doctest::Approx(v * 0.5 * std::erfc(-v / std::sqrt(2.0))));
    CHECK(value("silu", v) == doctest::Approx(v / (1 + std::exp(-v))));
    CHECK(value("softplus", v) == doctest::Approx(std::log1p(std::exp(v))));
    CHECK(value("sigmoid", v) == doctest::Approx(1 / (1 + std::exp(-v))));
    CHECK(value("tanh", v) == doctest::Approx(std::tanh(v)));
    CHECK(activation_names().size() == 8);
    CHECK_THROWS_WITH_AS(make_activation("swish"),
                         "[activation] \"swish\" is no activation (glocal list activations shows all)", ValueError);
  }

  TEST_CASE("nn dropout: scale, rate, evaluation, and the same key giving the same mask") {
    const Dropout layer(0.25);
    const Var x = Tensor::ones({100, 100}, f64);
    const Var y = run(layer, x);
    double zeros = 0;
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const double v = y.value().at(i);
      REQUIRE((v == 0 || v == 1 / 0.75));
      zeros += v == 0;
    }
    CHECK(zeros / 1e4 == doctest::Approx(0.25).epsilon(0.07));  // four standard deviations
    CHECK(same_bits(run(layer, x).value(), y.value()));
    CHECK_FALSE(same_bits(run(layer, x, true, key(6)).value(), y.value()));
    CHECK(same_bits(run(layer, x, false).value(), x.value()));
    Pass pass{.key = key(5)};
    const Var first = layer(x, pass), second = layer(x, pass);
    CHECK_FALSE(same_bits(first.value(), second.value()));
    CHECK_THROWS_AS(Dropout(1.0), ValueError);
    CHECK_THROWS_AS(Dropout(-0.1), ValueError);
  }

  TEST_CASE("nn sequential: equal to its layers one by one, and names by position") {
    const Linear a(key(1), 4, 3, f64), b(key(2), 3, 2, f64);
    const Sequential net(a, Activation{relu}, Dropout(0.5), b);
    const Var x = normal(key(3), {5, 4}, 0, 1, f64);
    Pass pass{.key = key(4)};
    const Var expected = b(Dropout(0.5)(relu(a(x)), pass));
    CHECK(same_bits(run(net, x, true, key(4)).value(), expected.value()));
    CHECK(leaf_names(net) == std::vector<std::string>{"0.weight", "0.bias", "3.weight", "3.bias"});
  }

  TEST_CASE("nn names: nested trees") {
    const std::vector<Linear> layers(2);
    CHECK(leaf_names(layers) == std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias"});
    const std::pair<Var, std::array<Var, 2>> pair;
    CHECK(leaf_names(pair) == std::vector<std::string>{"0", "1.0", "1.1"});
    CHECK(leaf_names(Var()) == std::vector<std::string>{""});
  }

  TEST_CASE("nn layers: shapes and types that do not fit are refused by name") {
    const Linear linear(key(1), 5, 3);
    CHECK_THROWS_WITH_AS(linear(Tensor::zeros({4, 6})),
                         "[linear] weight (5, 3) expects x of shape (N, 5), x has shape (4, 6)", ShapeError);
    CHECK_THROWS_AS(linear(Tensor::zeros({5})), ShapeError);
    CHECK_THROWS_AS(linear(Tensor::zeros({4, 5}, f64)), DTypeError);
    CHECK_THROWS_WITH_AS(Conv2d(key(1), 3, 4, 5)(Tensor::zeros({1, 2, 8, 8})), doctest::Contains("[conv2d]"),
                         ShapeError);
    CHECK_THROWS_AS(Conv2d(key(1), 3, 4, 5)(Tensor::zeros({3, 8, 8})), ShapeError);
    CHECK_THROWS_AS(Conv2d(key(1), 3, 4, 5, {.spec = {.groups = 2}}), ValueError);
    CHECK_THROWS_AS(Linear(key(1), 0, 3), ValueError);
  }
}

TEST_SUITE("gradcheck") {
  TEST_CASE("nn layers: derivatives to third order") {
    check_layer("linear", Linear(key(1), 3, 2, f64), in_range({{4, 3}}));
    const Conv2dOptions options{.spec = {.stride = {2, 1}, .padding = {1, 1}, .groups = 2}};
    check_layer("conv2d", Conv2d(key(1), 2, 4, 3, options, f64), in_range({{2, 2, 4, 3}}));
    check_layer("max_pool2d", MaxPool2d{}, spaced({{2, 1, 4, 4}}));
    check_layer("avg_pool2d", AvgPool2d{}, in_range({{2, 1, 4, 4}}));
    check_layer("global_avg_pool", GlobalAvgPool{}, in_range({{2, 2, 3, 3}}));
    check_layer("flatten", Flatten{}, in_range({{2, 2, 3, 1}}));
    check_layer("dropout", Dropout(0.4), in_range({{3, 4}}), {.key = key(3)});
    for (const std::string& name : activation_names()) check_layer(name, make_activation(name), off_zero({{3, 4}}));
    check_layer("sequential", Sequential(Linear(key(1), 3, 4, f64), make_activation("tanh"), Linear(key(2), 4, 2, f64)),
                in_range({{4, 3}}));
  }
}

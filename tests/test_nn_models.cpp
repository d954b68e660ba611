// Models: parameter counts, names, statistics, purity, derivatives on small inputs, typed errors, the summary.
#include <doctest/doctest.h>

#include <glocal/nn/layers/flatten.h>
#include <glocal/nn/layers/pool.h>
#include <glocal/nn/layers/sequential.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/fastnet.h>
#include <glocal/nn/models/lenet.h>
#include <glocal/nn/models/mlp.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/registry.h>
#include <glocal/nn/models/resnet.h>
#include <glocal/nn/models/summary.h>
#include <glocal/nn/models/wide_resnet.h>

#include "layer_check.h"

using namespace glocal;
using namespace glocal::nn;
using namespace glocal::gradcheck;

namespace {

constexpr DType f64 = DType::f64;
const Shape mnist{1, 28, 28}, cifar{3, 32, 32};

// Slope of a training loss of the model along a random direction, against differences.
double model_gap(const Model& model, const Tensor& x, const Tensor& labels, double h) {
  const OpFunction loss = [&](const Vars& parameters) {
    Pass pass{.key = key(9), .stats = model.stats};
    return cross_entropy(model.forward(parameters, x, pass), labels);
  };
  return gradient_gap(loss, model.parameters, key(4), h);
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("nn models: parameter counts") {
    CHECK(make_model("mlp", key(1), mnist, 10).parameter_count() == 101'770);
    CHECK(make_model("mlp", key(1), {1, 8, 8}, 10, {.hidden = {}}).parameter_count() == 650);
    CHECK(make_model("lenet", key(1), mnist, 10).parameter_count() == 61'706);
    CHECK(erase("resnet20", ResNet(key(1), 20, 3, 10), {3, 8, 8}, 10).parameter_count() == 269'722);
    CHECK(erase("wrn28_2", WideResNet(key(1), 28, 2, 3, 10), {3, 8, 8}, 10).parameter_count() == 1'467'610);
    CHECK(make_model("resnet20", key(1), {3, 8, 8}, 10, {.norm = "group"}).parameter_count() == 269'722);
    CHECK(make_model("wrn28_2", key(1), {3, 8, 8}, 10, {.norm = "group"}).parameter_count() == 1'467'610);
  }

  TEST_CASE("nn fastnet: parameters and shapes") {
    const Model model = make_model("fastnet", key(1), cifar, 10);
    CHECK(model.parameter_count() == 1'971'640);
    // whiten 24 x 12 + 24, blocks 9 (24 64 + 64^2) + 128, 9 (64 256 + 256^2) + 512, 9 (2 256^2) + 512, fc 2560
    CHECK(24 * 12 + 24 + 9 * (24 * 64 + 64 * 64) + 128 + 9 * (64 * 256 + 256 * 256) + 512 + 18 * 256 * 256 + 512 +
              2560 ==
          model.parameter_count());
    CHECK(model.names[0] == "whiten.weight");
    CHECK(model.names[3] == "blocks.0.norm1.bias");
    CHECK(model.stats.size() == 12);
    CHECK(make_model("fastnet", key(1), {1, 9, 12}, 7).parameters[0].shape() == Shape{8, 1, 2, 2});
    CHECK_THROWS_WITH_AS(make_model("fastnet", key(1), {3, 8, 9}, 10), doctest::Contains("at least 9 x 9"), ShapeError);
  }

  TEST_CASE("nn fastnet: whitened patches have the identity as second moments, in both signs") {
    // Correlated pixels: neighbours share a part, channels too.
    const Tensor noise = normal(key(5), {40, 2, 8, 8}, 0.3, 1, f64);
    Tensor x({40, 2, 7, 7}, f64);
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const std::int64_t j = i % 7, row = i / 7 % 7, c = i / 49 % 2, n = i / 98;
      const auto at = [&](std::int64_t channel, std::int64_t a, std::int64_t b) {
        return noise.at(((n * 2 + channel) * 8 + a) * 8 + b);
      };
      x.data<double>()[i] = 3 * (at(0, row, j) + at(0, row, j + 1) + 0.5 * at(c, row + 1, j));
    }
    const Tensor y = conv2d(x, whitening_filters(x)).value();  // (40, 16, 6, 6)
    for (std::int64_t a = 0; a < 16; ++a)
      for (std::int64_t b = 0; b < 16; ++b) {
        double sum = 0;
        for (std::int64_t n = 0; n < 40; ++n)
          for (std::int64_t p = 0; p < 36; ++p) sum += y.at((n * 16 + a) * 36 + p) * y.at((n * 16 + b) * 36 + p);
        const double expected = a == b ? 1 : a == b + 8 || b == a + 8 ? -1 : 0;
        CHECK(sum / (40 * 36) == doctest::Approx(expected).epsilon(2e-3));  // 5e-4 is added to each eigenvalue
      }
    CHECK_THROWS_AS(whitening_filters(Tensor({2, 3, 1, 5})), ShapeError);
  }

  TEST_CASE("nn fastnet: convolutions begin as the identity on their first channels") {
    const FastBlock block(key(1), 3, 5, f64);
    const Tensor x = normal(key(2), {2, 3, 6, 6}, 0, 1, f64);
    const Tensor y = block.conv1(x).value();
    for (std::int64_t n = 0; n < 2; ++n)
      for (std::int64_t k = 0; k < 3 * 36; ++k) CHECK(y.at(n * 5 * 36 + k) == x.at(n * 3 * 36 + k));
  }

  TEST_CASE("nn models: names and initial statistics") {
    const Model lenet = make_model("lenet", key(1), mnist, 10);
    CHECK(lenet.names.size() == 10);
    CHECK(lenet.names[0] == "conv1.weight");
    CHECK(lenet.names[9] == "fc3.bias");
    CHECK(lenet.stats.empty());
    const Model resnet = make_model("resnet20", key(1), {3, 8, 8}, 10);
    CHECK(resnet.names.size() == resnet.parameters.size());
    CHECK(resnet.names[3] == "blocks.0.conv1.weight");
    REQUIRE(resnet.stats.size() == 2 * 19);
    for (std::size_t i = 0; i < resnet.stats.size(); ++i)
      CHECK(same_bits(resnet.stats[i].value(), Tensor::full(resnet.stats[i].shape(), i % 2 ? 1 : 0)));
    CHECK(make_model("resnet20", key(1), {3, 8, 8}, 10, {.norm = "group"}).stats.empty());
    CHECK(make_model("wrn28_2", key(1), {3, 8, 8}, 10).stats.size() == 2 * 25);
  }

  TEST_CASE("nn models: a model is a function of its parameters, and replays bit for bit") {
    const Model model =
        make_model("mlp", key(1), {1, 4, 4}, 3, {.hidden = {6, 5}, .activation = "tanh", .dropout = 0.3});
    const Tensor x = normal(key(2), {5, 1, 4, 4});
    const auto run = [&](const Vars& parameters, Key k) {
      Pass pass{.key = k};
      return model.forward(parameters, x, pass).value();
    };
    CHECK(same_bits(run(model.parameters, key(3)), run(model.parameters, key(3))));
    CHECK_FALSE(same_bits(run(model.parameters, key(3)), run(model.parameters, key(4))));
    Vars zero;
    for (const Var& p : model.parameters) zero.push_back(zeros_like(p));
    CHECK(same_bits(run(zero, key(3)), Tensor::zeros({5, 3})));
    CHECK(same_bits(make_model("mlp", key(1), {1, 4, 4}, 3, {.hidden = {6, 5}}).parameters[2].value(),
                    model.parameters[2].value()));
    CHECK_FALSE(same_bits(make_model("mlp", key(2), {1, 4, 4}, 3, {.hidden = {6, 5}}).parameters[2].value(),
                          model.parameters[2].value()));
  }

  TEST_CASE("nn mlp: equal to its layers written out") {
    const Mlp mlp(key(1), {4, 3, 2}, make_activation("tanh"), Dropout(0), f64);
    const Tensor x = normal(key(2), {5, 2, 2}, 0, 1, f64);
    Pass pass;
    const Var expected = mlp.layers[1](tanh(mlp.layers[0](Var(x.reshape({5, 4})))));
    CHECK(same_bits(mlp(x, pass).value(), expected.value()));
  }

  TEST_CASE("nn lenet: equal to a sequence of its layers, on 28 x 28 and on other sizes") {
    for (const Shape& input : {mnist, Shape{2, 14, 17}}) {
      const LeNet lenet(key(1), input, 10);
      const Sequential net(lenet.conv1, Activation{relu}, MaxPool2d{}, lenet.conv2, Activation{relu}, MaxPool2d{},
                           Flatten{}, lenet.fc1, Activation{relu}, lenet.fc2, Activation{relu}, lenet.fc3);
      const Tensor x = normal(key(2), {2, input[0], input[1], input[2]});
      Pass pass;
      CHECK(same_bits(lenet(x).value(), net(x, pass).value()));
    }
    CHECK(LeNet(key(1), mnist, 10).fc1.weight.shape() == Shape{400, 120});
  }

  TEST_CASE("nn wide_resnet: with its last convolution zero a block is its shortcut") {
    const Tensor x = normal(key(2), {2, 8, 4, 4}, 0, 1, f64);
    Pass pass;
    WideBlock same(key(1), 8, 8, 1, 0, "group", f64), wider(key(1), 8, 16, 2, 0, "group", f64);
    same.conv2.weight = zeros_like(same.conv2.weight);
    wider.conv2.weight = zeros_like(wider.conv2.weight);
    CHECK(same_bits(same(x, pass).value(), x));
    CHECK(same_bits(wider(x, pass).value(), (*wider.shortcut)(relu(wider.norm1(x, pass))).value()));
    wider.shortcut->weight = zeros_like(wider.shortcut->weight);
    CHECK(same_bits(wider(x, pass).value(), Tensor::zeros({2, 16, 2, 2}, f64)));
  }

  TEST_CASE("nn resnet: the shortcut of a widening block takes every second pixel and pads channels with zeros") {
    ResidualBlock block(key(1), 2, 8, 2, "group", f64);
    for_each_leaf(block, [](Var& leaf) { leaf = zeros_like(leaf); });
    const Tensor x = uniform(key(2), {1, 2, 4, 4}, 0.5, 1, f64);
    Pass pass;
    const Var y = block(x, pass);
    REQUIRE(y.shape() == Shape{1, 8, 2, 2});
    for (std::int64_t c = 0; c < 8; ++c)
      for (std::int64_t i = 0; i < 2; ++i)
        for (std::int64_t j = 0; j < 2; ++j) {
          const double expected = c == 3 || c == 4 ? x.at(((c - 3) * 4 + 2 * i) * 4 + 2 * j) : 0;
          CHECK(y.value().at((c * 2 + i) * 2 + j) == expected);
        }
  }

  TEST_CASE("nn models: wrong names, options and shapes are refused") {
    CHECK_THROWS_WITH_AS(make_model("vgg", key(1), mnist, 10),
                         "[model] \"vgg\" is no model (there are: mlp, lenet, resnet20, wrn28_2, fastnet)", ValueError);
    CHECK_THROWS_WITH_AS(make_model("lenet", key(1), {1, 8, 8}, 10), doctest::Contains("got (1, 8, 8)"), ShapeError);
    CHECK_THROWS_AS(make_model("resnet20", key(1), {3, 7, 8}, 10), ShapeError);
    CHECK_THROWS_AS(make_model("mlp", key(1), {28, 28}, 10), ShapeError);
    CHECK_THROWS_AS(make_model("mlp", key(1), mnist, 0), ValueError);
    CHECK_THROWS_WITH_AS(make_model("lenet", key(1), mnist, 10, {.dropout = 0.5}),
                         "[lenet] has no dropout; leave --dropout out", ValueError);
    CHECK_THROWS_AS(make_model("resnet20", key(1), cifar, 10, {.norm = "layer"}), ValueError);
    CHECK_THROWS_AS(make_model("mlp", key(1), mnist, 10, {.activation = "no"}), ValueError);
    const Model model = make_model("mlp", key(1), mnist, 10);
    Pass pass;
    CHECK_THROWS_WITH_AS(model.forward(model.parameters, Tensor::zeros({2, 1, 28, 27}), pass),
                         "[mlp] expects images (N,) + (1, 28, 28), x has shape (2, 1, 28, 27)", ShapeError);
    CHECK_THROWS_AS(model.forward(Vars(3), Tensor::zeros({2, 1, 28, 28}), pass), ShapeError);
    CHECK_THROWS_AS(model.forward(model.parameters, Tensor::zeros({2, 1, 28, 28}, f64), pass), DTypeError);
    CHECK_THROWS_AS(erase("wrong", Linear(key(1), 4, 3), {4}, 5), ShapeError);
  }

  TEST_CASE("nn models: a model of one's own is known by its name") {
    const auto maker = [](Key key, const Shape& input, int classes, const ModelOptions& options) {
      return erase("narrow", Mlp(key, {input.size(), 3, classes}, make_activation("tanh"), Dropout(0), options.dtype),
                   input, classes);
    };
    add_model({"narrow", "three hidden units", maker});
    CHECK(model_names().back() == "narrow");
    CHECK(make_model("narrow", key(1), {1, 2, 2}, 10).parameter_count() == 4 * 3 + 3 + 3 * 10 + 10);
    CHECK_THROWS_WITH_AS(add_model({"narrow", "", maker}), doctest::Contains("already"), ValueError);
    CHECK_THROWS_AS(add_model({"mlp", "", maker}), ValueError);
    CHECK_THROWS_AS(make_model("narrow", key(1), {2, 2}, 10), ShapeError);
  }

  TEST_CASE("nn summary: a line per parameter and the total") {
    const std::string text = summary(make_model("lenet", key(1), mnist, 10));
    CHECK(text.find("conv2.weight  (16, 6, 5, 5)") != std::string::npos);
    CHECK(text.find("61706") != std::string::npos);
    CHECK(std::count(text.begin(), text.end(), '\n') == 13);
  }
}

TEST_SUITE("gradcheck") {
  TEST_CASE("nn blocks: first and second order in all modes") {
    const auto measured = [](const auto& block, const Shape& shape) {
      const std::size_t count = flatten(block).size();
      const OpFunction f = [=](const Vars& v) {
        Pass pass;
        return forward(unflatten(block, std::span(v).first(count)), v[count], pass);
      };
      Vars x = flatten(block);
      x.push_back(normal(key(3), shape, 0, 1, f64));
      Errors e;
      measure_first(f, x, key(5), e);
      CHECK(e.adjoint <= 1e-12);
      CHECK(e.directions <= 1e-13);
      measure_higher(f, x, key(6), e);
      CHECK(e.mixes <= 1e-10);
    };
    measured(ResidualBlock(key(1), 2, 8, 2, "batch", f64), {2, 2, 4, 4});
    measured(ResidualBlock(key(1), 8, 8, 1, "group", f64), {2, 8, 2, 2});
    measured(WideBlock(key(1), 2, 8, 2, 0.3, "batch", f64), {2, 2, 4, 4});
    measured(WideBlock(key(1), 8, 8, 1, 0, "group", f64), {2, 8, 2, 2});
  }

  TEST_CASE("nn models: slope of the training loss against differences") {
    const Tensor labels = Tensor::from<std::int32_t>({1, 0, 2}, {3});
    const Tensor small = normal(key(2), {3, 1, 12, 12}, 0, 1, f64), colour = normal(key(2), {3, 3, 8, 8}, 0, 1, f64);
    const ModelOptions options{.dtype = f64};
    CHECK(model_gap(make_model("mlp", key(1), {1, 12, 12}, 3, {.activation = "gelu", .dropout = 0.2, .dtype = f64}),
                    small, labels, 1e-4) <= 1e-8);
    CHECK(model_gap(make_model("lenet", key(1), {1, 12, 12}, 3, options), small, labels, 1e-6) <= 1e-6);
    CHECK(model_gap(erase("resnet8", ResNet(key(1), 8, 3, 3, "batch", f64), {3, 8, 8}, 3), colour, labels, 1e-7) <=
          1e-5);
    CHECK(model_gap(erase("fastnet", FastNet(key(1), 1, 3, f64), {1, 12, 12}, 3), small, labels, 1e-6) <= 1e-6);
    CHECK(model_gap(erase("wrn10", WideResNet(key(1), 10, 1, 3, 3, 0.2, "group", f64), {3, 8, 8}, 3), colour, labels,
                    1e-7) <= 1e-5);
  }
}

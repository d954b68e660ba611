// What training sees: brightness and noise on batches that are made from one key each.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/dataset.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/registry.h>
#include <glocal/optim/optimizer.h>
#include <glocal/train/batches.h>
#include <glocal/train/config.h>
#include <glocal/train/hyperparameters.h>

using namespace glocal;
using namespace glocal::train;

namespace {

// Two channels with means and deviations of their own; every fourth pixel is black.
datasets::Dataset pictures() {
  datasets::Dataset data;
  data.name = data.title = data.source = "pictures";
  data.channels = 2, data.height = 4, data.width = 4, data.classes = 2;
  for (std::int64_t i = 0; i < 12 * 32; ++i)
    data.pixels.push_back(i % 4 == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(20 + 7 * i % 200));
  for (std::int32_t i = 0; i < 12; ++i) data.labels.push_back(i % 2);
  data.mean = {0.4, 0.3};
  data.stddev = {0.2, 0.5};
  data.class_names = {"0", "1"};
  return data;
}

std::pair<Var, datasets::Batch> batch_of(const datasets::Dataset& data, double brightness, double noise, std::int64_t t,
                                         const std::vector<std::string>& augment = {}) {
  ExperimentConfig config;
  config.batch = 6;
  config.augment = augment;
  config.model_options.dtype = DType::f64;
  const nn::Model model = nn::make_model("mlp", key(0), {2, 4, 4}, 2);
  using Range = optim::HyperInfo::Range;
  const Hyperparameters hyper("a test", {{"brightness", Range::non_negative, 0}, {"noise_std", Range::non_negative, 0}},
                              model, {{"brightness", brightness}, {"noise_std", noise}}, {}, DType::f64);
  return Batches(config, data, make_augment(config, data, key(3)), hyper, key(3))({}, t);
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("batches: brightness multiplies an image's pixels by one factor, black stays black") {
    const datasets::Dataset data = pictures();
    const auto [x, batch] = batch_of(data, 0.5, 0, 4);
    const auto pixel = [&](const Tensor& of, std::int64_t i) {  // before it was normalised
      const auto c = static_cast<std::size_t>(i / 16 % 2);
      return of.at(i) * data.stddev[c] + data.mean[c];
    };
    const Tensor seen = x.value();
    std::vector<double> factors;
    for (std::int64_t n = 0; n < 6; ++n) {
      const double factor = pixel(seen, 32 * n + 1) / pixel(batch.x, 32 * n + 1);
      factors.push_back(factor);
      CHECK(factor >= 0.5);
      CHECK(factor < 1.5);
      double gap = 0;
      for (std::int64_t i = 32 * n; i < 32 * (n + 1); ++i)
        gap = std::max(gap, std::abs(pixel(seen, i) - factor * pixel(batch.x, i)));
      CHECK(gap < 1e-12);
    }
    for (std::size_t n = 1; n < factors.size(); ++n) CHECK(factors[n] != factors[0]);
    CHECK(batch_of(data, 0.5, 0, 5).first.value().at(1) != seen.at(1));
  }

  TEST_CASE("batches: brightness, noise and augmentation leave one another's numbers alone") {
    const datasets::Dataset data = pictures();
    const Tensor plain = batch_of(data, 0, 0, 2).first.value(), bright = batch_of(data, 0.3, 0, 2).first.value();
    const Tensor noisy = batch_of(data, 0, 0.1, 2).first.value(), both = batch_of(data, 0.3, 0.1, 2).first.value();
    double gap = 0;
    for (std::int64_t i = 0; i < plain.size(); ++i)
      gap = std::max(gap, std::abs(both.at(i) - (bright.at(i) + noisy.at(i) - plain.at(i))));
    CHECK(gap < 1e-12);
    const auto [x, batch] = batch_of(data, 0, 0, 2, {"flip", "brightness=0.3"});
    CHECK(same_bits(batch.y, batch_of(data, 0, 0, 2).second.y));
    CHECK(same_bits(x.value(), batch.x));
    CHECK_FALSE(same_bits(batch.x, plain));
  }
}

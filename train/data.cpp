#include <glocal/train/data.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/own/forms.h>
#include <glocal/datasets/variants.h>
#include <glocal/train/config.h>
#include <glocal/train/streams.h>

namespace glocal::train {

datasets::Options data_options(const ExperimentConfig& c) {
  datasets::Options options;
  options.data_dir = c.data_dir;
  options.coarse_labels = c.labels == "coarse";
  options.own = {datasets::layouts().at(c.layout).layout, c.loss == "mse"};
  return options;
}

datasets::Parts load_data(const ExperimentConfig& c, Key root) {
  datasets::TrainTest both = datasets::load_both(c.dataset, data_options(c));
  const std::int64_t official = both.train.size();
  const std::int64_t validation = c.validation > 0 ? c.validation : std::max<std::int64_t>(1, official / 6);
  refuse_outside(c, "val_size", validation, 1, official - 1, "one less than the training part of " + c.dataset);
  datasets::Parts parts = datasets::divide(std::move(both), validation, child(root, Stream::data_split));
  refuse_outside(c, "train_limit", c.train_limit, 0, parts.train.size(), "the training images of " + c.dataset);
  if (c.train_limit > 0) {
    std::vector<std::int64_t> first(static_cast<std::size_t>(c.train_limit));
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<std::int64_t>(i);
    parts.train = parts.train.subset(first);
  }
  const Key variants = child(root, Stream::data_variants);
  if (parts.train.regression() && (c.imbalance != 1 || c.noise != 0))
    fail<ValueError>("[options] {}: of labels, and {} has a regression target; leave it out",
                     c.where(c.noise != 0 ? "noise" : "imbalance"), c.dataset);
  try {
    if (c.imbalance != 1) parts.train = datasets::long_tailed(parts.train, c.imbalance, split(variants, 0));
  } catch (const ValueError& error) {
    fail<ValueError>("[options] {}: {}", c.where("imbalance"), error.what());
  }
  const datasets::NoiseKind kind = datasets::noise_kind(c.noise_kind);
  if (c.noise != 0) parts.train = datasets::noisy_labels(parts.train, c.noise, split(variants, 1), kind).data;
  refuse_outside(c, "batch", c.batch, 1, parts.train.size(), "the training images of " + c.dataset);
  return parts;
}

bool same_data(const ExperimentConfig& a, const ExperimentConfig& b) {
  const auto what = [](const ExperimentConfig& c) {
    return std::tie(c.dataset, c.data_dir, c.labels, c.layout, c.loss, c.validation, c.train_limit, c.imbalance,
                    c.noise, c.noise_kind, c.seed);
  };
  return what(a) == what(b);
}

std::int64_t training_images(const ExperimentConfig& config) {
  return load_data(config, key(config.seed)).train.size();
}

}  // namespace glocal::train

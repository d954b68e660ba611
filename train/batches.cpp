#include <glocal/train/batches.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/augment.h>
#include <glocal/datasets/dataset.h>
#include <glocal/train/config.h>
#include <glocal/train/hyperparameters.h>
#include <glocal/train/streams.h>

namespace glocal::train {

datasets::Augment make_augment(const ExperimentConfig& c, const datasets::Dataset& images, Key root) {
  try {
    return {c.augment, images.height, images.width, child(root, Stream::augmentation)};
  } catch (const ValueError& error) {
    fail<ValueError>("[options] {}: {}", c.where("augment"), error.what());
  }
}

std::map<std::string, HyperValue> with_strengths(std::map<std::string, HyperValue> hyper,
                                                 const datasets::Augment& augment) {
  for (const auto& [name, strength] : augment.hyper()) hyper.try_emplace(name, strength);
  return hyper;
}

Batches::Batches(const ExperimentConfig& c, const datasets::Dataset& images, datasets::Augment augment,
                 const Hyperparameters& hyper, Key root)
    : images_(images),
      hyper_(hyper),
      dtype_(c.model_options.dtype),
      order_(images.size(), c.batch, child(root, Stream::training_order)),
      augment_(std::move(augment)),
      noise_key_(child(root, Stream::input_noise)),
      brightness_key_(child(root, Stream::brightness)),
      ahead_([this](std::int64_t t) { return at(t); }) {}

datasets::Batch Batches::at(std::int64_t t) const {
  const std::vector<std::int64_t> indices = order_(t);
  datasets::Batch batch = images_.batch(indices, dtype_);
  if (!augment_.empty()) batch.x = augment_(batch.x, indices, t, t / order_.steps_per_epoch());
  return batch;
}

// Pixels p become (1 + b u) p, one u for each place of the batch: normalised, x + b u (x + mean / stddev).
Var Batches::brightened(const Var& x, const Var& b, std::int64_t t) const {
  Tensor dark({images_.channels}, DType::f64);  // (C,), minus what a black pixel is
  for (std::size_t c = 0; c < images_.mean.size(); ++c) dark.data<double>()[c] = images_.mean[c] / images_.stddev[c];
  const Tensor u = uniform(split(brightness_key_, static_cast<std::uint64_t>(t)), {x.dim(0), 1, 1, 1}, -1, 1, dtype_);
  return axpy(b, u * add_bias(x, dark.to(dtype_)), x);
}

std::pair<Var, datasets::Batch> Batches::operator()(const Vars& phi, std::int64_t t) const {
  const datasets::Batch batch = augment_.empty() ? at(t) : ahead_(t);
  Var x = batch.x;
  if (hyper_.used("brightness")) x = brightened(x, hyper_.value("brightness", phi), t);
  if (!hyper_.used("noise_std")) return {x, batch};
  const Tensor noise = normal(split(noise_key_, static_cast<std::uint64_t>(t)), batch.x.shape(), 0, 1, dtype_);
  return {axpy(hyper_.value("noise_std", phi), noise, x), batch};
}

}  // namespace glocal::train

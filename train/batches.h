// What training sees: the batch of each step, augmented, lightened and with noise.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/datasets/ahead.h>
#include <glocal/datasets/augment.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/sampling.h>
#include <glocal/train/config.h>
#include <glocal/train/hyper_value.h>
#include <glocal/train/hyperparameters.h>

namespace glocal::train {

/// The augmentation of these images that the settings ask for. Throws ValueError, naming where it was given.
datasets::Augment make_augment(const ExperimentConfig& config, const datasets::Dataset& images, Key root);
/// Values with the strengths of augmentations that are hyperparameters; one that is given as such wins.
std::map<std::string, HyperValue> with_strengths(std::map<std::string, HyperValue> hyper,
                                                 const datasets::Augment& augment);

/// The batches of training. Uses what it is made from, and stays where it is.
class Batches {
 public:
  Batches(const ExperimentConfig& config, const datasets::Dataset& images, datasets::Augment augment,
          const Hyperparameters& hyper, Key root);
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  /// The images and labels of step t, without what has a derivative.
  datasets::Batch at(std::int64_t t) const;
  /// The same, and its images as the network sees them: x + noise_std n, x lightened by brightness.
  std::pair<Var, datasets::Batch> operator()(const Vars& phi, std::int64_t t) const;

 private:
  Var brightened(const Var& x, const Var& b, std::int64_t t) const;

  const datasets::Dataset& images_;
  const Hyperparameters& hyper_;
  DType dtype_;
  datasets::BatchOrder order_;
  datasets::Augment augment_;
  Key noise_key_, brightness_key_;
  datasets::Ahead<datasets::Batch> ahead_;  // the last member: what it has begun uses the others
};

}  // namespace glocal::train

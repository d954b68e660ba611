// The settings of an experiment.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <glocal/nn/models/model.h>
#include <glocal/train/hyper_value.h>

namespace glocal::train {

/// Everything that decides the numbers of a run. Every field has a default; all of them go into config.json.
struct ExperimentConfig {
  std::string dataset = "digits", data_dir;  ///< a known set, or FORM:PATH
  std::string labels = "fine";               ///< of cifar100: "coarse", the 20 superclasses
  std::string layout = "auto";               ///< of npz:FILE: where its channels stand, "nhwc" or "nchw"
  std::string loss = "cross-entropy";        ///< or "mse" of a regression target
  std::int64_t validation = 0;               ///< validation images taken from the training part; 0: one sixth of it
  std::int64_t train_limit = 0;              ///< use only so many training images; 0: all
  double imbalance = 1;                      ///< long-tailed training set: ratio of the first class to the last
  double noise = 0;                          ///< share of wrong training labels
  std::string noise_kind = "symmetric";      ///< any other class, or "pair": the next one
  std::vector<std::string> augment;          ///< of the training images: "crop=4", "flip", see datasets/augment.h

  std::string model = "mlp";
  nn::ModelOptions model_options;

  std::string optimizer = "sgd";
  std::map<std::string, HyperValue> hyper;  ///< values by name; names not given take the optimiser's usual value
  std::vector<std::string> tune;            ///< names whose values are tuned
  std::string schedule = "constant";        ///< of the learning rate: see optim/schedule.h
  std::int64_t schedule_every = 0;          ///< step schedule: steps between drops; 0: a third of the run
  std::vector<double> milestones;           ///< step schedule: where it drops instead, shares of the run
  std::int64_t knots = 4;                   ///< piecewise schedule
  std::int64_t warm_up = 0;                 ///< steps of linear warm-up

  std::string average = "none";      ///< of the weights, which is evaluated in their place: see optim/average.h
  double average_share = 0.25;       ///< tail: the last share of the steps
  std::int64_t average_batches = 8;  ///< training batches from which BatchNorm statistics are made for an average
  std::int64_t test_views = 1;       ///< 2: whole parts are evaluated as the mean over an image and its mirror

  std::int64_t steps = 1000, batch = 128, val_batch = 512;
  std::uint64_t seed = 0;

  /// Where a setting, or "hyper.NAME", was given, for messages: "--batch", or "c.json: batch". Not a setting itself.
  std::map<std::string, std::string> given = {};
  std::string where(const std::string& key) const;  ///< that, or else its flag
};

/// Throws ValueError, naming where it was given, for a whole number outside [least, most]; `of` says of what these are.
void refuse_outside(const ExperimentConfig& config, const char* key, std::int64_t value, std::int64_t least,
                    std::int64_t most, const std::string& of);

}  // namespace glocal::train

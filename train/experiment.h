// One training problem from names: data set + model + optimiser + hyperparameters -> hpo::FlatProblem.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/load.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/space.h>
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

/// How its data are read. Throws ValueError for an unknown layout.
datasets::Options data_options(const ExperimentConfig& config);
/// Images that are left to train on. Throws as Experiment.
std::int64_t training_images(const ExperimentConfig& config);

struct Score {
  double loss = 0, accuracy = 0;  ///< mean of the loss; share of images classified right, NaN of a regression

  template <class Self, class Visit>
  static void fields(Self& score, Visit&& visit) {
    visit("loss", score.loss);
    visit("accuracy", score.accuracy);
  }
};

/// A ready problem. The state is (parameters, running statistics, averages of the parameters if there are any,
/// optimiser buffers, loss of the last batch).
class Experiment {
 public:
  /// Loads the data and builds the model. Throws ValueError for unknown names or values out of range, DataError.
  explicit Experiment(const ExperimentConfig& config);

  const hpo::FlatProblem& problem() const { return problem_; }
  const hpo::Space& space() const;  ///< the tuned hyperparameters
  Vars phi() const;                 ///< their initial unconstrained values
  const nn::Model& model() const;
  /// Every hyperparameter with the value it starts from, tuned or not.
  const std::map<std::string, HyperValue>& hyper() const;
  const datasets::Dataset& data(datasets::Part part) const;
  std::string title() const;  ///< of the data set; starts with SYNTHETIC when it is
  DType dtype() const;

  static double training_loss(const Vars& s) { return s.back().item(); }
  /// Over a whole part, in evaluation mode, of the network below. Calls `poll` before each batch; what it throws goes
  /// to the caller.
  Score evaluate(
      const Vars& s, datasets::Part part, const std::function<void()>& poll = [] {}) const;
  /// What is evaluated: the parameters, or their averages, and the running statistics that belong to them. With an
  /// average these are made anew from `average_batches` training batches, without augmentation.
  struct Network {
    Vars parameters, stats;
  };
  Network network(const Vars& s) const;
  /// Names of the leaves of the state: "param/conv1.weight", "stats/0", "average/conv1.weight", "optimizer/0", ...,
  /// "training_loss".
  std::vector<std::string> state_names() const;
  /// Name of the first leaf of the state with a NaN or Inf ("conv1.weight"), or "".
  std::string first_non_finite(const Vars& s) const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
  hpo::FlatProblem problem_;
};

}  // namespace glocal::train

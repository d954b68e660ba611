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
#include <glocal/core/tensor.h>
#include <glocal/datasets/dataset.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/space.h>
#include <glocal/nn/models/model.h>
#include <glocal/train/config.h>
#include <glocal/train/hyper_value.h>

namespace glocal::datasets {
struct Parts;
}

namespace glocal::train {

struct Score {
  double loss = 0, accuracy = 0;  ///< mean of the loss; share of images classified right, NaN of a regression

  template <class Self, class Visit>
  static void fields(Self& score, Visit&& visit) {
    visit("loss", score.loss);
    visit("accuracy", score.accuracy);
  }
};

/// A network that is evaluated: numbers for a model.
struct Network {
  Vars parameters, stats;  ///< as those of nn::Model
};

/// Outputs (N, answers) of the model in evaluation mode for images x (N, C, H, W); with two views the mean over an
/// image and its mirror image. Throws ShapeError.
Var outputs_of(const nn::Model& model, const Network& network, const Tensor& x, std::int64_t views = 1);

/// A ready problem. The state is (parameters, running statistics, averages of the parameters if there are any,
/// optimiser buffers, loss of the last batch).
class Experiment {
 public:
  /// Loads the data and builds the model. Throws ValueError for unknown names or values out of range, DataError.
  explicit Experiment(const ExperimentConfig& config);
  /// The same; shares the data of `other` where both see the same.
  Experiment(const ExperimentConfig& config, const Experiment& other);

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
  /// What is evaluated: the parameters, or their averages, those of the optimiser's rule too, and the running
  /// statistics that belong to them. With an average these are made anew from `average_batches` training batches,
  /// without augmentation.
  Network network(const Vars& s) const;
  int gradients_per_step() const;  ///< that the optimiser takes: 1, of a rule that looks ahead 2
  /// Names of the leaves of the state: "param/conv1.weight", "stats/0", "average/conv1.weight", "optimizer/0", ...,
  /// "training_loss".
  std::vector<std::string> state_names() const;
  /// Name of the first leaf of the state with a NaN or Inf ("conv1.weight"), or "".
  std::string first_non_finite(const Vars& s) const;

 private:
  struct Parts;
  Experiment(const ExperimentConfig& config, std::shared_ptr<const datasets::Parts> images);

  std::shared_ptr<const Parts> parts_;
  hpo::FlatProblem problem_;
};

}  // namespace glocal::train

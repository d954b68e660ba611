// The losses of an experiment: the one that training lowers, and the one that is measured.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/dataset.h>
#include <glocal/nn/models/model.h>
#include <glocal/train/hyperparameters.h>

namespace glocal::train {

/// docs/hyperparameters.md has the formula. Uses the hyperparameters that it is made from.
class Objective {
 public:
  Objective(const nn::Model& model, const Hyperparameters& hyper, bool regression);

  /// What training lowers: weighted and smoothed, with the penalties of these weights.
  Var training(const Var& outputs, const datasets::Batch& batch, const Vars& weights, const Vars& phi) const;
  /// What is measured on validation and test parts: plain cross entropy, or the mean squared error of a regression.
  Var plain(const Var& outputs, const datasets::Batch& batch) const;

 private:
  Var weighted_cross_entropy(const Var& logits, const Tensor& labels, const Vars& phi) const;

  struct Penalty {
    std::string name;
    std::vector<std::size_t> members;
    Var (*of)(const Var& w);
  };
  const Hyperparameters& hyper_;
  bool regression_;
  std::vector<Penalty> penalties_;
};

}  // namespace glocal::train

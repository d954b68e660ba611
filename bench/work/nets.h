// The networks of the comparison, with what their arithmetic costs.
#pragma once
#include <map>
#include <string>
#include <vector>

#include <glocal/autodiff/transforms.h>
#include <glocal/nn/models/model.h>
#include <glocal/optim/rules/sgd.h>

namespace glocal::bench {

struct Net {
  nn::Model model;
  double forward_gflop = 0;  ///< one image through all matrix products and convolutions
  double first_gflop = 0;    ///< the part of the first layer, whose input needs no gradient

  double training_gflop(std::int64_t N) const { return double(N) * (3 * forward_gflop - first_gflop); }
};

/// An MLP of these sizes on images (sizes[0], 1, 1).
Net mlp(const std::vector<std::int64_t>& sizes);
/// "lenet", "smallcnn", "resnet20" or "wrn28_2".
Net net(const std::string& name);

/// The parameters as p00, p01...; linear weights are (in, out), all others as in PyTorch.
void add_parameters(std::map<std::string, Tensor>& problem, const Vars& parameters);

/// Training of a model on one batch, as a user writes it: SGD, lr 0.01, momentum 0.9, no weight decay.
class Trainer {
 public:
  explicit Trainer(const nn::Model& model);
  /// One step; returns the loss before it.
  Var step(const Tensor& x, const Tensor& y);

 private:
  nn::Model model_;
  Vars parameters_, stats_;
  optim::SgdState state_;
  Var lr_ = Tensor::scalar(0.01), momentum_ = Tensor::scalar(0.9);
};

}  // namespace glocal::bench

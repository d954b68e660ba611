#include <glocal/train/objective.h>

#include <cstddef>
#include <utility>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/dataset.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/meta_weight_net.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/parameter_group.h>
#include <glocal/train/hyperparameters.h>

namespace glocal::train {

Objective::Objective(const nn::Model& model, const Hyperparameters& hyper, bool regression)
    : hyper_(hyper), regression_(regression) {
  const std::pair<const char*, Var (*)(const Var&)> kinds[] = {{"l2", nn::l2_penalty}, {"l1", nn::l1_penalty}};
  for (const auto& [base, of] : kinds) {
    if (hyper_.used(base)) {
      penalties_.push_back({base, {}, of});
      for (std::size_t i = 0; i < model.parameters.size(); ++i) penalties_.back().members.push_back(i);
    }
    for (const auto& [name, members] : hyper_.groups_of(base))
      penalties_.push_back({name, nn::parameter_group(model, members), of});
  }
}

Var Objective::training(const Var& outputs, const datasets::Batch& batch, const Vars& weights, const Vars& phi) const {
  Var loss = regression_ ? plain(outputs, batch) : weighted_cross_entropy(outputs, batch.y, phi);
  for (const Penalty& penalty : penalties_) {
    Var total;
    for (const std::size_t i : penalty.members) total = plus(total, penalty.of(weights[i]));
    loss = loss + hyper_.value(penalty.name, phi) * total;
  }
  return loss;
}

Var Objective::plain(const Var& outputs, const datasets::Batch& batch) const {
  return regression_ ? nn::mse(outputs, batch.target) : nn::cross_entropy(outputs, batch.y);
}

Var Objective::weighted_cross_entropy(const Var& logits, const Tensor& labels, const Vars& phi) const {
  nn::CrossEntropyOptions options;
  if (hyper_.used("label_smoothing")) options.label_smoothing = hyper_.value("label_smoothing", phi);
  if (hyper_.used("class_weights")) {
    const Var weights = hyper_.value("class_weights", phi);
    options.class_weights = weights / mean(weights);
  }
  if (!hyper_.used("meta_weight_net")) return nn::cross_entropy(logits, labels, options);
  return nn::meta_weighted_mean(nn::MetaWeightNet(hyper_.value("meta_weight_net", phi)),
                                nn::cross_entropies(logits, labels, options));
}

}  // namespace glocal::train

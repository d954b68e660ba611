// A step of the optimiser: its schedule, and groups of parameters with numbers of their own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/nn/models/model.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/schedule.h>
#include <glocal/train/config.h>
#include <glocal/train/hyperparameters.h>

namespace glocal::train {

/// The schedule of the learning rate. Throws ValueError, naming where it was given, for what does not fit the run.
optim::Schedule make_schedule(const ExperimentConfig& config, const optim::Optimizer& optimizer);

/// Uses the hyperparameters that it is made from.
class Update {
 public:
  /// Throws ValueError for a factor on a number that is 0, and for factors of groups on a rule that steps all
  /// parameters together.
  Update(const nn::Model& model, optim::Optimizer optimizer, optim::Schedule schedule, const Hyperparameters& hyper);

  Vars init(const Vars& weights) const { return optimizer_.init(weights); }  ///< the optimiser's buffers
  /// Weights and buffers after step t = 0, 1, ...
  optim::Step operator()(const Vars& phi, const Vars& weights, const optim::Evaluation& seen, const Vars& buffers,
                         std::int64_t t) const;
  /// The weights to judge and to keep, where the rule trains others.
  bool judges_others() const { return optimizer_.judged != nullptr; }
  Vars judged(const Vars& weights, const Vars& buffers) const { return optimizer_.judged(weights, buffers); }

 private:
  /// What the optimiser takes at step t: its own numbers, with the schedule's learning rate.
  Vars optimizer_hyper(const Vars& phi, std::int64_t t) const;

  // A number of the optimiser that NAME@GROUP multiplies; parameters with the same factors make one group of it.
  struct Factor {
    std::size_t number;
    std::string name;
    bool operator==(const Factor&) const = default;
  };
  const Hyperparameters& hyper_;
  optim::Optimizer optimizer_;
  optim::Schedule schedule_;
  std::vector<std::vector<Factor>> factors_;  // of each group of the optimiser
  std::vector<std::size_t> group_;            // of each parameter
};

}  // namespace glocal::train

// The list of every hyperparameter an experiment can have.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/optim/average.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/schedule.h>
#include <glocal/train/hyperparameters.h>

namespace glocal::train {

/// The optimiser's (its lr replaced by the schedule's), the training loss's, and those of the data, the gradient, the
/// start and the average of the weights. classes: 0 of a regression, which has none of those that weigh or smooth
/// labels. meta_weights: where the weights of meta_weight_net start from.
std::vector<HyperKind> hyper_kinds(const optim::Optimizer& optimizer, const optim::Schedule& schedule,
                                   const optim::Average& average, std::int64_t classes, Key meta_weights);

}  // namespace glocal::train

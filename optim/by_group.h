// One update rule with numbers of its own for each group of parameters.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>

namespace glocal::optim {

/// optimizer.step with hyper[group[i]] for parameter i. `state` is laid out as optimizer.step does: lists of one entry
/// per parameter, one after the other. Throws ShapeError unless every parameter has a group.
Step step_by_group(const Optimizer& optimizer, std::span<const std::size_t> group, const std::vector<Vars>& hyper,
                   const Vars& params, const Vars& grads, const Vars& state, std::int64_t t);

}  // namespace glocal::optim

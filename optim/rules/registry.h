// The optimisers by name.
#pragma once
#include <string>
#include <vector>

#include <glocal/core/text/registry.h>
#include <glocal/optim/optimizer.h>

namespace glocal::optim {

const Registry<OptimizerKind>& optimizers();
std::vector<std::string> optimizer_names();
/// Throws ValueError for an unknown name.
Optimizer make_optimizer(const std::string& name);

}  // namespace glocal::optim

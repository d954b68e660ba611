#include <glocal/optim/rules/registry.h>

#include <string>
#include <utility>
#include <vector>

#include <glocal/core/text/registry.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/adagrad.h>
#include <glocal/optim/rules/adam.h>
#include <glocal/optim/rules/ademamix.h>
#include <glocal/optim/rules/distance.h>
#include <glocal/optim/rules/hdm.h>
#include <glocal/optim/rules/lion.h>
#include <glocal/optim/rules/mechanic.h>
#include <glocal/optim/rules/momo.h>
#include <glocal/optim/rules/muon.h>
#include <glocal/optim/rules/prodigy.h>
#include <glocal/optim/rules/rmsprop.h>
#include <glocal/optim/rules/schedule_free.h>
#include <glocal/optim/rules/sgd.h>

namespace glocal::optim {
namespace {

// A new optimiser is one line here.
std::vector<OptimizerKind> built_in() {
  std::vector<OptimizerKind> all;
  for (const auto kinds : {sgd_kinds, adam_kinds, rmsprop_kinds, adagrad_kinds, lion_kinds, ademamix_kinds, muon_kinds,
                           schedule_free_kinds, prodigy_kinds, distance_kinds, mechanic_kinds, momo_kinds, hdm_kinds})
    for (OptimizerKind& kind : kinds()) all.push_back(std::move(kind));
  return all;
}

}  // namespace

const Registry<OptimizerKind>& optimizers() {
  static const Registry<OptimizerKind> all("optimizer", "glocal list optimizers", built_in());
  return all;
}

std::vector<std::string> optimizer_names() { return optimizers().names(); }

Optimizer make_optimizer(const std::string& name) { return optimizers().at(name).make(); }

}  // namespace glocal::optim

#include <glocal/app/setup/rehearsal.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/hpo/rehearsal/rehearsal.h>
#include <glocal/hpo/rehearsal/rehearsal_gradient.h>
#include <glocal/hpo/space.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

std::int64_t steps_remembered(const train::Experiment& experiment, const train::ExperimentConfig& config) {
  double most = 0;
  for (const optim::HyperInfo& info : optim::make_optimizer(config.optimizer).hyper)
    if (info.name == "momentum" || info.name == "beta1")
      most = std::max(most, 2.5 / (1 - experiment.hyper().at(info.name).numbers[0]));
  return static_cast<std::int64_t>(std::min(std::round(most), 1e15));
}

hpo::RehearsalOptions rehearsal_options(const train::Experiment& experiment, const train::ExperimentConfig& config) {
  hpo::RehearsalOptions options{.T = config.steps};
  const optim::Optimizer optimizer = optim::make_optimizer(config.optimizer);
  if (optimizer.lr_scales == optim::LrScales::own_rate)
    fail<ValueError>("[rehearsal] {} finds its rate by itself, and lr is a factor on that; leave --lr out",
                     optimizer.name);
  if (optimizer.lr_scales == optim::LrScales::direction) options.exponent = 0.1;
  const std::int64_t most = config.steps / 10;  // so that five of them are within the ceiling
  options.shortest = std::max(options.shortest, std::min(steps_remembered(experiment, config), most));
  return options;
}

hpo::GradientRehearsalOptions gradient_rehearsal_options(const train::Experiment& experiment,
                                                         const train::ExperimentConfig& config) {
  hpo::GradientRehearsalOptions options{.lengths = rehearsal_options(experiment, config)};
  const std::vector<std::string> names = experiment.space().component_names();
  const bool momentum_scales = optim::make_optimizer(config.optimizer).lr_scales == optim::LrScales::gradient;
  for (std::size_t k = 0; k < names.size(); ++k) {
    const bool rate =
        names[k] == "lr" || names[k] == "lr_first" || names[k] == "lr_last" || names[k].starts_with("lr[");
    options.drift.push_back(rate ? -options.lengths.exponent : 0);
    if (names[k].starts_with("lr@")) options.factors.push_back(k);
    if (names[k] == "lr") options.lr = k;
    if (names[k] == "momentum" && momentum_scales) options.momentum = k;
  }
  return options;
}

double most_of(const hpo::GradientRehearsalOptions& options) {
  return options.ceiling + (options.lr ? 2 * options.lengths.ceiling : 0);
}

}  // namespace glocal::app

// Recipes: all settings of a training that is known to work, by one name.
#pragma once
#include <cstdint>
#include <string>

#include <glocal/core/text/registry.h>
#include <glocal/train/experiment.h>

namespace glocal::train {

/// Settings that replace those of an experiment; what is said after it changes single ones of them. Schedules are given
/// in shares of the run, so they are compressed or stretched to the epochs asked for.
struct Recipe {
  std::string name, about;
  std::int64_t epochs;  ///< where nothing else is asked for
  void (*apply)(ExperimentConfig& config);
};
const Registry<Recipe>& recipes();

}  // namespace glocal::train

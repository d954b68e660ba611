// The numbers of a checkpoint held against the settings of its run and against each other.
#pragma once
#include <string>
#include <vector>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// The numbers in them: finite; u against values, the loss, sums and perturbations against what they are made from.
void check_numbers(const Checkpoint& checkpoint, const train::Experiment& experiment, const RunRules& rules,
                   const std::vector<std::string>& names, const std::string& where);

}  // namespace glocal::app

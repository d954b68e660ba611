// The data of an experiment: read, divided, and made harder as its settings say.
#pragma once
#include <cstdint>

#include <glocal/core/random.h>
#include <glocal/datasets/load.h>
#include <glocal/train/config.h>

namespace glocal::train {

/// How its data are read. Throws ValueError for an unknown layout.
datasets::Options data_options(const ExperimentConfig& config);
/// The parts that a run with this root key sees. Throws ValueError for settings out of range, DataError.
datasets::Parts load_data(const ExperimentConfig& config, Key root);
/// True when both see the same parts, so that one reading serves them.
bool same_data(const ExperimentConfig& a, const ExperimentConfig& b);
/// Images that are left to train on. Throws as load_data.
std::int64_t training_images(const ExperimentConfig& config);

}  // namespace glocal::train

// Streams of randomness of one run.
#pragma once
#include <cstdint>

#include <glocal/core/random.h>

namespace glocal::train {

/// Children of the seed's key. Their order is that of every run so far: add at the end.
enum class Stream : std::uint64_t {
  data_split,
  training_order,
  validation_order,
  initial_weights,
  dropout,
  data_variants,
  input_noise,
  meta_weights,
  augmentation,
  brightness,
  average_statistics
};

inline Key child(Key root, Stream stream) { return split(root, static_cast<std::uint64_t>(stream)); }

}  // namespace glocal::train

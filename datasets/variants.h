// Harder versions of a training set: long-tailed class counts and wrong labels, both drawn by key.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/core/text/registry.h>
#include <glocal/datasets/dataset.h>

namespace glocal::datasets {

/// A training set with some labels replaced.
struct NoisyLabels {
  Dataset data;
  std::vector<std::int64_t> changed;  ///< indices whose label is now wrong, sorted
};

/// Keeps round(n_max * imbalance^(-c / (classes - 1))) images of class c, n_max being the smallest class count
/// (Cui et al. 2019, "Class-balanced loss", exponential profile); imbalance >= 1 is the ratio of the first to the last
/// class. File order is kept. Throws ValueError for a test part, imbalance < 1, or a class left with no image.
Dataset long_tailed(const Dataset& data, double imbalance, Key key);

enum class NoiseKind : std::uint8_t { symmetric, pair };

/// Gives exactly round(rate * N) images another label: uniform over the other classes (symmetric noise), or the next
/// class, the last one's being the first (pair: asymmetric noise as in Han et al., "Co-teaching", NeurIPS 2018).
/// Throws ValueError for a test part or a rate outside [0, 1].
NoisyLabels noisy_labels(const Dataset& data, double rate, Key key, NoiseKind kind = NoiseKind::symmetric);
/// Throws ValueError for an unknown name.
NoiseKind noise_kind(const std::string& name);

struct NoiseKindEntry {
  std::string name, about;
  NoiseKind kind;
};
const Registry<NoiseKindEntry>& noise_kinds();

}  // namespace glocal::datasets

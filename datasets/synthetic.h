// Images made by rule, for trying a program without data. Never a stand-in: every title begins with SYNTHETIC.
#pragma once
#include <cstdint>

#include <glocal/datasets/dataset.h>

namespace glocal::datasets {

/// `count` images (1, 28, 28) of 10 classes: a blocky random pattern per class plus pixel noise, both from `seed`;
/// train and test share the patterns. Throws ValueError when count < 1.
Dataset synthetic(Part part, std::int64_t count, std::uint64_t seed);

}  // namespace glocal::datasets

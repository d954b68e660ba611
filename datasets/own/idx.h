// Data from a folder of IDX files, as MNIST has them.
#pragma once
#include <string>

#include <glocal/datasets/own/raw.h>

namespace glocal::datasets {

/// A file "...images..." of shape (N, H, W) and one "...labels..." of shape (N,), unsigned bytes, plain or .gz; those
/// of the parts are told by "train" and by "test" or "t10k" in front. Throws DataError naming what is missing or there
/// twice, or the file that is wrong; IoError.
RawData read_idx_data(const std::string& folder, const RawOptions& options);

}  // namespace glocal::datasets

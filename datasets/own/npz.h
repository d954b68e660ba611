// Data from one .npz file of NumPy: x and y, or x_train, y_train, x_test and y_test.
#pragma once
#include <string>
#include <string_view>

#include <glocal/datasets/own/raw.h>

namespace glocal::datasets {

/// x is (N, H, W), (N, H, W, C), (N, C, H, W) or rows (N, F), of bytes, whole numbers or floats; whole numbers up to
/// 255 are pixels. y is (N,) or (N, 1) of an integer type; as a target of any type, (N,) or (N, D). Rows of bytes are
/// one channel of 1 x F pixels, other rows F channels of one pixel. Floats become f32. Throws DataError naming file,
/// array, what was expected and what is there; IoError when the file cannot be read.
RawData read_npz_data(const std::string& path, const RawOptions& options);
/// The same from bytes in memory; `file` names them in messages.
RawData parse_npz_data(std::string_view bytes, const std::string& file, const RawOptions& options);

}  // namespace glocal::datasets

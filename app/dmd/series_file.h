// A short vector series in a file: .npy, .npz or a table of numbers in text.
#pragma once
#include <string>
#include <vector>

#include <glocal/core/tensor.h>

namespace glocal::app {

/// (tau, q) f64, one snapshot a row; a file with one number a row gives q = 1. `name` chooses the array of a .npz and
/// may be empty when it holds one; no other is read. Text: see series_text.h; at most 256 MiB and 2^23 numbers. Throws
/// DataError naming file and line or field, and for a .npz without a name what it holds; IoError.
Tensor read_series(const std::string& path, const std::string& name = "", std::vector<std::string>* notes = nullptr);

}  // namespace glocal::app

// A short vector series in a file: .npy, .npz or a table of numbers in text.
#pragma once
#include <string>
#include <string_view>

#include <glocal/core/tensor.h>

namespace glocal::app {

/// (tau, q) f64, one snapshot a row; a file with one number a row gives q = 1. `name` chooses the array of a .npz and
/// may be empty when it holds one. Text: commas, semicolons, tabs or blanks between numbers, one optional heading line,
/// lines that begin with # are skipped; at most 256 MiB and 2^23 numbers. Throws DataError naming file and line or
/// field; IoError.
Tensor read_series(const std::string& path, const std::string& name = "");

/// A text in memory; `file` names it in errors. Whether there are enough snapshots for a fit is not asked.
Tensor parse_series(std::string_view bytes, const std::string& file);

}  // namespace glocal::app

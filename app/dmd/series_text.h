// A table of numbers in text, as spreadsheets, NumPy, MATLAB and R write it. The rules: docs/series.md.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/tensor.h>

namespace glocal::app {

/// (tau, q) f64, one snapshot a line, from a text in memory; `file` names it in errors. What was left out or could be
/// read in another way is appended to `notes`, each one "file:line: what". Whether there are enough snapshots for a fit
/// is not asked. Throws DataError naming file, line and field for everything that is not plainly a number.
Tensor parse_series(std::string_view bytes, const std::string& file, std::vector<std::string>* notes = nullptr);

}  // namespace glocal::app

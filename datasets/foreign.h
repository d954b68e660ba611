// Files of a dataset in a form that is not read: what they are, and the way out.
#pragma once
#include <filesystem>
#include <string>

#include <glocal/datasets/dataset.h>
#include <glocal/datasets/registry.h>

namespace glocal::datasets {

/// A line "\n  PATH: what it is; what to do" for each file in the folder that seems to be this set's part in another
/// form (Python or MATLAB batches, arrays, tables, archives that are not unpacked) or another set's; at most eight, and
/// empty when there is none or the folder cannot be read.
std::string foreign_files(const std::filesystem::path& folder, const SetInfo& set, Part part);

}  // namespace glocal::datasets

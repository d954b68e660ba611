// `glocal runs`: list, show, report.
#pragma once
#include <filesystem>

namespace glocal::app {

/// A table of the run folders in `folder` on stdout; a damaged one is a row, and what is wrong with it a note on
/// stderr. Throws DataError when there is no such folder, IoError.
void list_runs(const std::filesystem::path& folder);
/// The summary of one run on stdout. Throws DataError for a folder that is no run, or whose files contradict each
/// other.
void show_run(const std::filesystem::path& folder);
/// Writes report.html of a run again and says where. Throws as show_run, IoError.
void report_run(const std::filesystem::path& folder);

}  // namespace glocal::app

// report.html: one self-contained page about a run, made from its folder alone.
#pragma once
#include <filesystem>

namespace glocal::app {

/// Writes report.html into a run folder of train, tune or compare; replaces an older one. Throws DataError naming
/// the file that is missing or damaged, IoError when gnuplot fails or the page cannot be written.
void write_report(const std::filesystem::path& run_folder);

}  // namespace glocal::app

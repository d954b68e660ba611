// report.html: one self-contained page about a run, made from its folder alone.
#pragma once
#include <filesystem>
#include <string>

#include <glocal/app/record/progress_file.h>
#include <glocal/app/record/run_record.h>

namespace glocal::app {

/// Writes report.html into a run folder of train, tune or compare; replaces an older one. Throws DataError naming
/// the file that is missing or damaged, IoError when gnuplot fails or the page cannot be written.
void write_report(const std::filesystem::path& run_folder);
/// The page of a run that goes on, into `file`: it says so, and where the run stands, and loads itself again. Throws as
/// write_report.
void write_live_report(const std::filesystem::path& run_folder, const std::string& file, const Standing& standing);
/// write_report where there is no page yet, or one of a run that went on: it can be killed between its end and its
/// report.
void write_missing_report(const std::filesystem::path& run_folder);

/// The page of one run. Throws DataError naming the folder when a value in it is of the wrong kind.
std::string report_page(const RunRecord& run);

}  // namespace glocal::app

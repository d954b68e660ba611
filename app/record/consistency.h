// A run folder held against itself: what stands in two of its files, or follows from another field, is the same.
#pragma once
#include <filesystem>

#include <glocal/app/record/run_record.h>
#include <glocal/app/settings/options.h>

namespace glocal::app {

// Fields that are not there are left out, as in folders of other versions. All throw DataError naming the folder, the
// field, what is expected and what is found.

/// config.json, meta.json and summary.json of a run, or a comparison: command, seed, estimator, data, steps, status,
/// counts, shares and times.
void check_summary(const std::filesystem::path& folder, const Json& config, const Json& meta, const Json& summary);
/// The same, and the lines: steps in order, updates one after the other, the last scores and values those of the
/// summary.
void check_run(const RunRecord& run);
/// A row of a comparison's summary.json is the summary of the run that it speaks of.
void check_row(const std::filesystem::path& folder, const Json& row, const RunRecord& run);

}  // namespace glocal::app

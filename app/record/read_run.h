// A run folder read back.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include <glocal/app/record/run_record.h>
#include <glocal/app/settings/options.h>

namespace glocal::app {

/// One JSON file of a run folder. Throws DataError naming the file when it is missing or no JSON object.
Json read_json(const std::filesystem::path& file);

/// config.json, meta.json, summary.json, metrics.jsonl, hparams.jsonl. Throws DataError naming file and line, or the
/// field that contradicts another: see consistency.h.
RunRecord read_run(const std::filesystem::path& folder);
/// The same where bytes(file) gives a file's contents; `folder` names it in errors.
RunRecord parse_run(const std::filesystem::path& folder, const std::function<std::string(const char* file)>& bytes);

}  // namespace glocal::app

// The parts of a report that a single run and a comparison share, as HTML.
#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/run_record.h>
#include <glocal/app/settings/options.h>

namespace glocal::app {

/// Trajectories with their forecasts, eigenvalues, singular values; "" for a run that recorded none.
std::string forecast_section(const RunRecord& run);
/// One row per outer update; "" when there was none.
/// Of an estimator from the start: which of its runs the network and the hyperparameters are those of.
std::string kept_text(const RunRecord& run);
std::string updates_section(const RunRecord& run);
/// Predicted against measured time and memory.
std::string cost_section(const Json& summary);
/// config.json and meta.json, folded.
std::string settings_section(const Json& config, const Json& meta);

/// "digits, mlp, sgd": the subtitle of a report.
std::string problem_text(const Json& config, const Json& meta);

/// Big numbers side by side: (number, what it is).
std::string tiles(const std::vector<std::pair<std::string, std::string>>& entries);

/// Hyperparameters drawn at most; the table has more of them.
constexpr std::size_t most_values = 4;

}  // namespace glocal::app

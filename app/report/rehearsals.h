// The rehearsals of a run that found its learning rate first: rehearsal.json as a picture and a table.
#pragma once
#include <filesystem>
#include <string>

#include <glocal/app/report/plot.h>
#include <glocal/app/settings/options.h>

namespace glocal::app {

/// Loss over rate, a curve for each length, and what the law makes of the best for the whole run. Throws JSON's errors.
Plot rehearsal_plot(const Json& rehearsal);
/// That and each trial in a table, as HTML; "" for a run folder without rehearsals. Throws DataError and JSON's errors.
std::string rehearsal_section(const std::filesystem::path& run_folder);

}  // namespace glocal::app

// The flags of `glocal train`, `tune` and `compare`.
#pragma once
#include <glocal/app/settings/options.h>

namespace CLI {
class App;
}

namespace glocal::app {

/// Adds the command's flags. Parsing throws ValueError for a value that its setting does not take; what does not fit
/// together is found when the run is prepared.
void add_options(CLI::App& app, Options& options);

/// With --lr auto: a schedule that falls, unless one was asked for; a rate that stays is never as good.
void take_usual_schedule(Options& options);

/// With --resume: every setting from the config.json of that folder but --threads, --quiet and --json. Throws
/// ValueError for any other flag beside it, or a run of another command.
void take_resumed(const CLI::App& app, Options& options);

}  // namespace glocal::app

// `glocal data`: list, fetch, verify, info, show.
#pragma once
#include <CLI/CLI.hpp>

namespace glocal::app {

/// Adds the sub-command with its own sub-commands. Their callbacks print results on stdout and throw typed errors.
void add_data_command(CLI::App& parent);

}  // namespace glocal::app

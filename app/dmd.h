// `glocal dmd`: Hankel DMD of a series in a file.
#pragma once
#include <CLI/CLI.hpp>

namespace glocal::app {

/// Adds the sub-command. Its callback prints the fit on stdout and throws typed errors.
void add_dmd_command(CLI::App& parent);

}  // namespace glocal::app

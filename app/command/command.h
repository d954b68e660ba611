// The command `glocal` as a function, for programs that add models and estimators of their own to it.
#pragma once
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace glocal::app {

/// Runs what follows `glocal` on a command line: {"compare", "--model", "mlp", ...}. Returns the exit code: 0, 2 wrong
/// usage, 3 bad data, 4 the system refused, 5 diverged, 130 and 143 after a signal; says on stderr what was wrong.
int run_command(const std::vector<std::string>& arguments);

/// All commands and their flags, not yet parsed.
void add_commands(CLI::App& app);

}  // namespace glocal::app

#include <glocal/app/command.h>

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>
#include <utility>

#include <glocal/app/compare.h>
#include <glocal/app/data.h>
#include <glocal/app/dmd.h>
#include <glocal/app/reproduce.h>
#include <glocal/app/runs.h>
#include <glocal/app/signals.h>
#include <glocal/app/train.h>
#include <glocal/app/tune.h>
#include <glocal/core/error.h>
#include <glocal/core/printable.h>
#include <glocal/core/version.h>

namespace glocal::app {
namespace {

enum Exit { usage = 2, bad_data = 3, input_output = 4, diverged = 5, signalled = 128 };

int report(const char* message, Exit code) {
  fmt::print(stderr, "glocal: error: {}\n", printable(std::string_view(message).substr(0, 4000), /*keep_lines=*/true));
  return code;
}

int parse_and_run(CLI::App& app, std::vector<std::string> arguments) {
  const std::string first = arguments.empty() ? "" : arguments.front();
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants a vector
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::Success& asked) {
    return app.exit(asked);  // --help, --version
  } catch (const CLI::ParseError& error) {
    if (app.get_subcommands().empty() && !first.empty())
      return report(fmt::format("unknown command {} (see --help)", first).c_str(), usage);
    return report(fmt::format("{} (see --help)", error.what()).c_str(), usage);
  }
  return 0;
}

}  // namespace

int run_command(const std::vector<std::string>& arguments) {
  CLI::App app("Hypergradients of whole training runs, and their use while training.", "glocal");
  app.set_version_flag("--version", fmt::format("glocal {}", build_info().version));
  app.require_subcommand(1);
  add_train_command(app);
  add_tune_command(app);
  add_compare_command(app);
  add_data_command(app);
  add_dmd_command(app);
  add_runs_command(app);
  add_reproduce_command(app);
  try {
    const int code = parse_and_run(app, arguments);
    if (std::fflush(stdout) != 0 || std::ferror(stdout))
      fail<IoError>("[command] cannot write the results to the standard output; is its disk full?");
    return code;
  } catch (const Interrupted& interrupted) {
    fmt::print(stderr, "glocal: {}\n", interrupted.message);
    return signalled + interrupted.signal;
  } catch (const DataError& error) {
    return report(error.what(), bad_data);
  } catch (const IoError& error) {
    return report(error.what(), input_output);
  } catch (const DivergedError& error) {
    return report(error.what(), diverged);
  } catch (const NumericError& error) {
    return report(error.what(), diverged);
  } catch (const Error& error) {
    return report(error.what(), usage);
  } catch (const std::exception& error) {
    return report(error.what(), input_output);
  }
}

}  // namespace glocal::app

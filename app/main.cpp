// The command `glocal`.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include <glocal/app/compare.h>
#include <glocal/app/data.h>
#include <glocal/app/dmd.h>
#include <glocal/app/reproduce.h>
#include <glocal/app/runs.h>
#include <glocal/app/signals.h>
#include <glocal/app/train.h>
#include <glocal/app/tune.h>
#include <glocal/core/error.h>
#include <glocal/core/version.h>

namespace {

enum Exit { usage = 2, bad_data = 3, input_output = 4, diverged = 5, signalled = 128 };

int report(const char* message, Exit code) {
  fmt::print(stderr, "glocal: error: {}\n", message);
  return code;
}

int run(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);  // --help, --version
  } catch (const CLI::ParseError& error) {
    if (app.get_subcommands().empty() && argc > 1)
      return report(fmt::format("unknown command {} (see --help)", argv[1]).c_str(), usage);
    return report(fmt::format("{} (see --help)", error.what()).c_str(), usage);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Hypergradients of whole training runs, and their use while training.", "glocal");
  app.set_version_flag("--version", fmt::format("glocal {}", glocal::build_info().version));
  app.require_subcommand(1);
  glocal::app::add_train_command(app);
  glocal::app::add_tune_command(app);
  glocal::app::add_compare_command(app);
  glocal::app::add_data_command(app);
  glocal::app::add_dmd_command(app);
  glocal::app::add_runs_command(app);
  glocal::app::add_reproduce_command(app);
  glocal::app::catch_signals();
  try {
    return run(app, argc, argv);
  } catch (const glocal::app::Interrupted& interrupted) {
    fmt::print(stderr, "glocal: interrupted; what was finished is saved\n");
    return signalled + interrupted.signal;
  } catch (const glocal::DataError& error) {
    return report(error.what(), bad_data);
  } catch (const glocal::IoError& error) {
    return report(error.what(), input_output);
  } catch (const glocal::DivergedError& error) {
    return report(error.what(), diverged);
  } catch (const glocal::NumericError& error) {
    return report(error.what(), diverged);
  } catch (const glocal::Error& error) {
    return report(error.what(), usage);
  } catch (const std::exception& error) {
    return report(error.what(), input_output);
  }
}

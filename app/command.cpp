#include <glocal/app/command.h>

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/app/compare.h>
#include <glocal/app/data.h>
#include <glocal/app/dmd.h>
#include <glocal/app/name_lists.h>
#include <glocal/app/reproduce.h>
#include <glocal/app/runs.h>
#include <glocal/app/say.h>
#include <glocal/app/signals.h>
#include <glocal/app/train.h>
#include <glocal/app/tune.h>
#include <glocal/core/error.h>
#include <glocal/core/nearest.h>
#include <glocal/core/printable.h>
#include <glocal/core/version.h>

namespace glocal::app {
namespace {

constexpr const char* empty_text = "the text after it is empty; give one, or leave the flag out";

enum Exit { usage = 2, bad_data = 3, input_output = 4, diverged = 5, signalled = 128 };

int report(const char* message, Exit code) {
  say("glocal: error: {}\n", printable(std::string_view(message).substr(0, 4000), /*keep_lines=*/true));
  return code;
}

// What the words that no command took should have been.
std::string unknown_words(const CLI::App& at, const std::string& called) {
  const std::vector<std::string> words = at.remaining();
  const auto flag = std::find_if(words.begin(), words.end(), [](const auto& word) { return word.starts_with("-"); });
  std::vector<std::string> known;
  for (const CLI::App* command : at.get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(command->get_name());
  if (!known.empty() && flag != words.begin())
    return unknown_name(words.front(), "command of " + called, known, called + " --help");
  known.clear();
  if (flag != words.end()) {
    for (const CLI::Option* option : at.get_options())
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    return unknown_name(flag->substr(0, flag->find('=')), "flag of " + called, known, called + " --help");
  }
  return fmt::format("\"{}\" is too much for {}; see {} --help", words.front(), called, called);
}

std::string explanation(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  std::string called = app.get_name();
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().back();
    called += " " + at->get_name();
  }
  if (at->remaining_size() > 0) return unknown_words(*at, called);
  for (const CLI::Option* option : at->get_options())
    if (option->get_items_expected_max() == 1 && option->count() > 1)
      return fmt::format("{} is given {} times; give it once", option->get_name(), option->count());
  return fmt::format("{} (see {} --help)", error.what(), called);
}

// No flag and no argument takes an empty text, which an unset variable leaves.
void refuse_empty_texts(CLI::App& app) {
  for (CLI::Option* option : app.get_options())
    if (option->get_items_expected_max() > 0)
      option->check([](const std::string& text) { return std::string(text.empty() ? empty_text : ""); });
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) refuse_empty_texts(*command);
}

int parse_and_run(CLI::App& app, std::vector<std::string> arguments) {
  for (const std::string& argument : arguments)  // CLI11 takes the next argument for the value of --flag=
    if (argument.starts_with("--") && argument.find('=') + 1 == argument.size())
      fail<ValueError>("[options] {}: {}", argument.substr(0, argument.size() - 1), empty_text);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants a vector
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::Success& asked) {
    return app.exit(asked);  // --help, --version
  } catch (const CLI::ParseError& error) {
    return report(fmt::format("[options] {}", explanation(app, error)).c_str(), usage);
  }
  return 0;
}

}  // namespace

void add_commands(CLI::App& app) {
  app.set_version_flag("--version", fmt::format("glocal {}", build_info().version));
  app.require_subcommand(1);
  add_train_command(app);
  add_tune_command(app);
  add_compare_command(app);
  add_data_command(app);
  add_dmd_command(app);
  add_runs_command(app);
  add_reproduce_command(app);
  add_list_command(app);
  refuse_empty_texts(app);
}

int run_command(const std::vector<std::string>& arguments) {
  CLI::App app("Hypergradients of whole training runs, and their use while training.", "glocal");
  add_commands(app);
  try {
    const int code = parse_and_run(app, arguments);
    if ((std::fflush(stdout) != 0 || std::ferror(stdout)) && errno != EPIPE)  // its reader has seen enough
      fail<IoError>("[command] cannot write the results to the standard output; is its disk full?");
    return code;
  } catch (const Interrupted& interrupted) {
    say("glocal: {}\n", interrupted.message);
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
  } catch (const std::bad_alloc& error) {  // main.cpp makes it say how much
    return report(error.what(), usage);
  } catch (const std::system_error& error) {  // of a stream
    return error.code() == std::errc::broken_pipe ? 0 : report(error.what(), input_output);
  } catch (const std::exception& error) {
    return report(error.what(), input_output);
  }
}

}  // namespace glocal::app

#include <glocal/app/command/command.h>

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/app/command/data.h>
#include <glocal/app/command/exit_code.h>
#include <glocal/app/command/follow.h>
#include <glocal/app/command/list.h>
#include <glocal/app/command/runs.h>
#include <glocal/app/dmd/dmd.h>
#include <glocal/app/evaluate/evaluate.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/run/compare.h>
#include <glocal/app/run/run.h>
#include <glocal/app/settings/allowed.h>
#include <glocal/app/settings/flags.h>
#include <glocal/app/settings/name_lists.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/say.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/core/error.h>
#include <glocal/core/text/nearest.h>
#include <glocal/core/text/printable.h>
#include <glocal/core/version.h>

namespace glocal::app {
namespace {

constexpr const char* empty_text = "the text after it is empty; give one, or leave the flag out";

// A long message without its middle: it begins with what is wrong and ends with the way out.
std::string shortened(std::string_view message) {
  constexpr std::size_t most = 4000, end = 1000;
  if (message.size() <= most) return std::string(message);
  return fmt::format("{} [...] {}", message.substr(0, most - end), message.substr(message.size() - end));
}

// A command that has said all, and ends with this exit code.
struct Ended {
  int code;
};

int report(const char* message, ExitCode code) {
  say("glocal: error: {}\n", printable(shortened(message), /*keep_lines=*/true));
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

// train, tune and compare share their flags.
void add_training_command(CLI::App& app, Command which, const char* help, std::vector<std::string> tuned,
                          void (*run)(const Options&)) {
  CLI::App* command = app.add_subcommand(std::string(name_of(which)), help);
  const auto options = std::make_shared<Options>();
  options->command = which;
  options->experiment.tune = std::move(tuned);
  add_options(*command, *options);
  command->callback([options, command, run] {
    take_resumed(*command, *options);
    take_usual_schedule(*options);
    run(*options);
  });
}

std::string no_part(const std::string& text) {
  return text == "train" || text == "test" ? "" : unknown_name(text, "part", {"train", "test"}, "");
}

std::string no_part_of_a_run(const std::string& text) {
  return text == "validation"    ? ""
         : no_part(text).empty() ? ""
                                 : unknown_name(text, "part", {"train", "validation", "test"}, "");
}

void add_evaluate_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("evaluate", "use the network of a run: predictions, accuracy by class, confusions");
  const auto a = std::make_shared<EvaluateArguments>();
  command->add_option("RUN", a->run, "run folder of train or tune")->required();
  command->add_option("--dataset", a->dataset,
                      "images of the size that the network takes; default: the run's own data");
  command->add_option("--data-dir", a->data_dir, "searched first for the data; default: as the run did");
  add_value(*command, "--part", a->part, any_text(no_part_of_a_run),
            "train, validation (of the run's own data) or test [test]");
  command->add_flag("--best", a->best, "the network at the least validation loss instead of the last");
  command->add_option("-o,--out", a->out, "folder of the results; default inside RUN");
  command->add_flag("--force", a->force, "replace an evaluation in it");
  add_value(*command, "--threads", a->threads, within(0, 1024), "0: all cores");
  command->add_flag("--json", a->json, "print evaluation.json as one JSON object");
  command->callback([a] { evaluate(*a); });
}

void add_data_command(CLI::App& app) {
  const auto arguments = std::make_shared<DataArguments>();
  CLI::App* data = app.add_subcommand("data", "List, fetch, verify and look at datasets");
  data->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, void (*action)(const DataArguments&)) {
    CLI::App* command = data->add_subcommand(name, help);
    command->add_option("--data-dir", arguments->data_dir, "Folder searched first");
    command->callback([arguments, action] { action(*arguments); });
    return command;
  };
  const auto add_named = [&](const char* name, const char* help, void (*action)(const DataArguments&)) {
    CLI::App* command = add(name, help, action);
    command->add_option("name", arguments->name, "Dataset, as in `glocal data list`, or your own: npz:FILE")
        ->required();
    return command;
  };
  add("list", "Every known dataset, and where it was found", list_sets);
  CLI::App* fetching =
      add_named("fetch", "Download into --data-dir, $GLOCAL_DATA or the cache; sizes and SHA-256 checked", fetch_set);
  fetching->add_option("--mirror", arguments->mirror, "Folder's URL tried first: https://, http:// or file://");
  add_named("verify", "Compare the files with the official SHA-256", verify_set);
  CLI::App* information = add_named("info", "Counts, mean and deviation, images per class, licence", show_set_info);
  CLI::App* showing = add_named("show", "Some images, in the terminal or as a PNG file", show_images);
  CLI::App* saving = add_named("save", "Both parts as they were read, as arrays of NumPy", save_arrays);
  saving->add_option("-o,--output", arguments->output, ".npz file to write")->required();
  for (CLI::App* command : {information, showing, saving})
    add_value(*command, "--labels", arguments->labels, name_in("labels"), "CIFAR-100: fine or coarse [fine]");
  for (CLI::App* command : {information, showing, saving}) {
    add_value(*command, "--layout", arguments->layout, name_in("layouts"), "npz: nhwc or nchw [auto]");
    add_value(*command, "--loss", arguments->loss, name_in("losses"), "npz: mse, where y is a regression target");
  }
  add_value(*showing, "-n,--n", arguments->count, within(1, 400), "How many images [16]");
  showing->add_option("-o,--output", arguments->output, "PNG file to write");
  add_value(*showing, "--part", arguments->part, any_text(no_part), "train or test [train]");
}

void add_dmd_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("dmd", "fit a series with Hankel DMD and forecast it");
  const auto a = std::make_shared<DmdArguments>();
  command->add_option("FILE", a->file, "(tau, q) .npy or .npz, or text with one snapshot per line: docs/series.md")
      ->required();
  command->add_option("--name", a->name, "array of a .npz that holds several");
  const auto number = [&](const char* flag, auto& field, const Allowed& allowed, const char* help) {
    add_value(*command, flag, field, allowed, fmt::format("{} [{}]", help, field));
  };
  number("--delays", a->options.delays, within(1, 1e6), "delays m of the Hankel matrix");
  number("--rank", a->options.rank, within(0, 1e6), "modes; 0: automatic");
  number("--energy", a->options.energy, within(0, 1), "automatic rank: the fewest modes with this share of the energy");
  number("--bins", a->options.bins, within(2, 1e6), "logarithmic time: bins");
  number("--t0", a->options.t0, within(0, 1e15), "logarithmic time: steps before the first snapshot");
  command->add_option("--observables", a->observables, "(tau, p) file: more columns for the fit, not forecast");
  const auto choice = [&]<class E>(const char* flag, E& field, const char* help) {
    add_value(*command, flag, field, {}, help);
  };
  choice("--policy", a->options.policy,
         "eigenvalues: raw, clip, snap or unit (default: snap, raw where growth shows in the hold-out)");
  choice("--time-axis", a->options.time,
         "exponentials of t: linear (default); a power of t: logarithmic, several: log-grid");
  add_value(*command, "--method", a->options.method, name_in("methods"), first_names("methods", 4));
  command->add_flag("--auto", a->automatic, "choose among built-in candidates by hold-out");
  add_value(*command, "--horizon", a->horizon, above(0, 0x1p53),
            "index to forecast, the first snapshot is 0 (default: 10 tau)");
  command->add_option("-o,--out", a->picture, "also draw it: FILE.svg or FILE.html");
  command->add_flag("--json", a->json, "one JSON object");
  command->callback([a, command] {
    a->given.clear();
    for (const CLI::Option* option : command->get_options())
      if (option->count() > 0) a->given.insert(option->get_name());
    dmd(*a);
  });
}

void add_runs_command(CLI::App& app) {
  CLI::App* runs = app.add_subcommand("runs", "look at run folders");
  runs->require_subcommand(1);
  const auto folder = std::make_shared<std::string>("runs");
  runs->add_subcommand("list", "a table of the runs in a folder")
      ->callback([folder] { list_runs(*folder); })
      ->add_option("DIR", *folder, "folder of run folders (default: runs)");
  runs->add_subcommand("show", "the summary of one run")
      ->callback([folder] { show_run(*folder); })
      ->add_option("DIR", *folder, "run folder")
      ->required();
  CLI::App* follow = runs->add_subcommand("follow", "look on while a run goes on, until it ends");
  const auto json = std::make_shared<bool>(false);
  follow->add_option("DIR", *folder, "folder of a run or a comparison; it may begin later")->required();
  follow->add_flag("--json", *json, "a JSON object a line");
  follow->callback([folder, json] {
    if (const int code = follow_run(*folder, *json)) throw Ended{code};
  });
  runs->add_subcommand("report", "write report.html of a run again")
      ->callback([folder] { report_run(*folder); })
      ->add_option("DIR", *folder, "run folder")
      ->required();
}

void add_reproduce_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("reproduce", "answer a question about the method by a run; alone: list them");
  const auto options = std::make_shared<ReproduceOptions>();
  const auto name = std::make_shared<std::string>();
  command->add_option("name", *name, "a study, or all")->option_text("NAME");
  command
      ->add_option("--out", options->out,
                   "folder of the results; default docs/questions if it is there, else reproduce")
      ->option_text("DIR");
  command->add_option("--config", options->config, "JSON that overrides what it names of the study's settings")
      ->option_text("FILE");
  command->add_option("--only", options->lab.only, "of a study that keeps its runs: cases so named")
      ->option_text("TEXT");
  add_value(*command, "--seeds", options->seeds, within(1, 1e6), "repeats; default as the study says")
      ->option_text("N");
  command->add_option("--data-dir", options->lab.data_dir, "searched first for the data; see glocal data --help")
      ->option_text("DIR");
  add_value(*command, "--threads", options->threads, within(0, 1024),
            "0: all cores; results have the same bits for any number")
      ->option_text("N");
  command->add_flag("--quiet", options->lab.quiet, "no progress");
  command->callback([options, name] {
    if (name->empty()) return list_studies();
    if (*name != "all") return reproduce(find_study(*name), *options);
    for (const Study& study : studies().entries()) reproduce(study, *options);
  });
}

void add_list_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("list", "names that flags take: estimators, models, ...; alone: which lists");
  const auto name = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  add_value(*command, "LIST", *name, any_text(), "as glocal list shows them");
  command->add_flag("--json", *json, "as JSON");
  command->callback([name, json] { print_list(*name, *json); });
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
  add_training_command(app, Command::train, "train with fixed hyperparameters", {},
                       [](const Options& o) { run_alone(o, "fixed"); });
  add_training_command(app, Command::tune, "train, and tune the hyperparameters on the way", {"lr"},
                       [](const Options& o) { run_alone(o, o.tuning.estimator); });
  add_training_command(app, Command::compare, "compare ways of tuning with plain training", {"lr"},
                       [](const Options& o) { compare(o); });
  add_evaluate_command(app);
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
  } catch (const Ended& ended) {
    return ended.code;
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

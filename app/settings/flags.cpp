#include <glocal/app/settings/flags.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <glocal/app/settings/allowed.h>
#include <glocal/app/settings/choices.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/name_lists.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/settings/settings.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/text/printable.h>
#include <glocal/train/experiment.h>
#include <glocal/train/hyper_value.h>
#include <glocal/train/recipes.h>
#include <glocal/train/refusal.h>

namespace glocal::app {
namespace {

template <class T>
std::string default_text(const T& value) {
  if constexpr (std::is_enum_v<T>)
    return text_of(value);
  else if constexpr (requires { value.begin(); } && !std::is_same_v<T, std::string>)
    return fmt::format("{}", fmt::join(value, ","));
  else
    return fmt::format("{}", value);
}

// A flag may say it once, and then whatever a file said is forgotten.
void set_hyper(train::ExperimentConfig& config, const std::string& name, const std::string& source,
               train::HyperValue value) {
  std::string& given = config.given["hyper." + name];
  if (given.starts_with("--")) fail<ValueError>("[options] {}: {} is given twice, by {} too", source, name, given);
  given = source;
  config.hyper[name] = std::move(value);
}

void set_values(train::ExperimentConfig& config, const std::string& source, const std::string& text) {
  for (const std::string& assignment : items_of(source, text)) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0)
      train::refuse_value(source, assignment,
                          "assignment; write name=number or name=[number,number], several with commas between");
    const std::string name = assignment.substr(0, equals), where = source + " " + printable(name.substr(0, 60));
    const std::string value = assignment.substr(equals + 1);
    if (value.starts_with('[') && value.ends_with(']'))
      set_hyper(config, name, where,
                value_of<std::vector<double>>(where, value.substr(1, value.size() - 2), finite_number));
    else
      set_hyper(config, name, where, value_of<double>(where, value, finite_number));
  }
}

constexpr const char* unlisted = "Also";  // a group without help of its own: the footer names its flags

// Help that fits a screen: our groups in their order, without blank lines between them and the footer.
struct CompactHelp : CLI::Formatter {
  CompactHelp() { column_width(28); }
  std::string make_group(std::string group, bool, std::vector<const CLI::Option*> options) const override {
    std::string text = group + ":\n";
    for (const CLI::Option* option : options) text += make_option(option, false);
    return text;
  }
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode) const override {
    std::string text = make_description(app) + make_usage(app, std::move(name));
    for (const char* group : {"Problem", "Tuning", "Run"}) {
      const auto options = app->get_options([&](const CLI::Option* option) { return option->get_group() == group; });
      if (!options.empty()) text += make_group(group, false, options);
    }
    return text + app->get_footer() + "\n";  // make_footer() begins with an empty line since CLI11 2.4
  }
};

// Lines of at most 98 letters.
std::string wrapped(const std::string& words) {
  std::istringstream in(words);
  std::string text;
  std::size_t width = 0;
  for (std::string word; in >> word; width += word.size() + 1) {
    const bool next = width + word.size() > 98;
    if (!text.empty()) text += next ? "\n" : " ";
    if (next) width = 0;
    text += word;
  }
  return text;
}

CLI::Option* plain(CLI::Option* option, const char* group, const char* text) {
  return option->group(group)->option_text(text);
}

// --lr: true for auto; a number wins over a file that says auto.
bool takes_auto(Options& o, const std::string& source, const std::string& text) {
  std::map<std::string, std::string>& given = o.experiment.given;
  if (text == "auto") {
    o.find_lr = "rehearsal";
    given["find_lr"] = source;
    return true;
  }
  if (const auto said = given.find("find_lr"); said == given.end() || !said->second.starts_with("--"))
    o.find_lr = "none";
  return false;
}

void add_start_values(CLI::App& app, Options& o) {
  const auto start = [&app, &o](const char* flag, const char* key, const char* group, const char* help) {
    add_text(app, flag, help,
             [&o, key](const std::string& source, const std::string& text) {
               if (key == std::string_view("lr") && takes_auto(o, source, text)) return;
               set_hyper(o.experiment, key, source, value_of<double>(source, text, finite_number));
             })
        ->group(group)
        ->option_text("X");
  };
  start("--lr", "lr", "Problem", "where it starts, or auto; --momentum X, --weight-decay X: where they do");
  start("--momentum", "momentum", unlisted, "");
  start("--weight-decay", "weight_decay", unlisted, "");
  plain(app.add_option_function<std::vector<std::string>>(
               "--set",
               [&o](const std::vector<std::string>& texts) {
                 for (const std::string& text : texts) set_values(o.experiment, "--set", text);
               },
               "... of others, NAME=[X,...]; NAME@GROUP: a layer, weights, biases, norms")
            ->allow_extra_args(false),
        "Problem", "NAME=X,...");
}

// What a recipe said and a flag makes void.
void forget_recipe(Options& o, std::string_view key) {
  train::ExperimentConfig& config = o.experiment;
  if (key == "steps") o.epochs = 0;
  if (key == "schedule")
    std::erase_if(config.hyper, [&config](const auto& entry) {
      return entry.first.starts_with("lr_") && !config.given.contains("hyper." + entry.first);
    });
}

}  // namespace

void add_options(CLI::App& app, Options& o) {
  app.formatter(std::make_shared<CompactHelp>());
  std::string also = "Also (see glocal list settings):", shown_help;
  app.get_help_ptr()->group("Run")->description("this help");
  // First, so that flags override the file whatever their order on the command line.
  CLI::Option* const config =
      plain(add_text(app, "--config", "start from the config.json of a run; flags override it",
                     [&o](const std::string&, const std::string& path) { read_config(o, path); }),
            "Problem", "FILE");
  CLI::Option* const recipe =
      plain(add_text(app, "--recipe", first_names("recipes", 5) + ": all settings at once; flags override them",
                     [&o](const std::string& source, const std::string& name) {
                       check_allowed(source, name, name_in("recipes"));
                       train::recipes().at(name).apply(o.experiment);
                       o.epochs = train::recipes().at(name).epochs;
                     }),
            "Problem", "NAME");
  recipe->excludes(config);
  for_each_setting(o, [&]<class T>(const Setting& setting, T& field) {
    if (!setting.in(o.command)) return;
    const std::string shown = default_text(field);
    CLI::Option* option =
        add_text(app, train::flag_of(setting.key), setting.help + (shown.empty() ? "" : " [" + shown + "]"),
                 [&o, &field, setting](const std::string& source, const std::string& text) {
                   field = value_of<T>(source, text, setting.allowed);
                   o.experiment.given[setting.key] = source;
                   forget_recipe(o, setting.key);
                 });
    plain(option, *setting.value ? setting.group : unlisted, setting.value);
    if (*setting.value)
      shown_help += setting.help;
    else if (shown_help.find(train::flag_of(setting.key)) == std::string::npos)
      also += " " + train::flag_of(setting.key);
    if (setting.key == std::string_view("optimizer")) add_start_values(app, o);
    if (setting.key == std::string_view("steps"))
      plain(add_value(app, "--epochs", o.epochs, within(1, 1e9), "")->excludes(option), unlisted, "N");
  });
  plain(add_value(app, "--out", o.out, any_text(),
                  "run folder; default runs/<what it is>; --force replaces the run in it"),
        "Run", "DIR");
  plain(add_value(app, "--resume", o.resume, any_text(),
                  "go on with the interrupted or killed run in DIR, to the same bits"),
        "Run", "DIR");
  app.add_flag("--force", o.force, "")->group(unlisted);
  app.add_flag("--json", o.json, "print the result as one JSON object")->group("Run");
  app.add_flag("--quiet", o.quiet, "no progress")->group("Run");
  app.footer(wrapped(also));
}

void take_usual_schedule(Options& options) {
  train::ExperimentConfig& config = options.experiment;
  if (options.find_lr == "none" || config.schedule != "constant" || config.given.contains("schedule")) return;
  config.schedule = "linear";
  config.given["schedule"] = "--lr auto";
}

void take_resumed(const CLI::App& app, Options& options) {
  if (options.resume.empty()) return;
  bool threads_given = false;
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || name == "--resume" || name == "--quiet" || name == "--json") continue;
    if (name != "--threads")
      fail<ValueError>("[options] --resume takes every setting from {}/config.json; leave out {}", options.resume,
                       name);
    threads_given = true;
  }
  Options resumed;
  resumed.command = options.command;
  const std::string path = options.resume + "/config.json";
  const Json config = parse_json(read_file(path, 1 << 24), path);
  if (config.is_object()) check_layout(options.resume, config, folder_layout);
  read_settings(resumed, config, path);
  const std::string command = config.contains("command") && config["command"].is_string() ? config["command"] : "";
  if (command != name_of(options.command))
    fail<ValueError>("[options] {} is a run of glocal {}; {}", options.resume, command,
                     command == "compare" ? "go on with glocal compare --resume and the folder of the whole comparison"
                                          : "go on with that command");
  if (threads_given) resumed.threads = options.threads;
  resumed.experiment.given.clear();  // nobody asks for anything anew
  resumed.resume = options.resume;
  resumed.quiet = options.quiet;
  resumed.json = options.json;
  options = std::move(resumed);
}

}  // namespace glocal::app

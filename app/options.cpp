#include <glocal/app/options.h>

#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include <glocal/app/choices.h>
#include <glocal/app/json_text.h>
#include <glocal/app/settings.h>
#include <glocal/core/file.h>
#include <glocal/core/printable.h>

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

std::string flag_of(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return "--" + key;
}

// CLI11 takes "" as 0, clamps what is too large, and wraps -1 of an unsigned number.
template <class T>
CLI::Validator whole_number(T least = std::numeric_limits<T>::min()) {
  return {[least](const std::string& text) -> std::string {
            T value{};
            const char* end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, value);
            if (error == std::errc() && stop == end && value >= least) return "";
            return fmt::format("\"{}\" is no whole number from {} to {}", text, least, std::numeric_limits<T>::max());
          },
          ""};
}

template <class T>
struct ElementOf {
  using type = T;
};
template <class T>
struct ElementOf<std::vector<T>> {
  using type = T;
};

void set_values(std::map<std::string, double>& hyper, const std::vector<std::string>& assignments) {
  for (const std::string& assignment : assignments) {
    const auto equals = assignment.find('=');
    const bool named = equals != std::string::npos && equals > 0;
    const char *begin = assignment.data() + (named ? equals + 1 : 0), *end = assignment.data() + assignment.size();
    double value = 0;
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (!named || error != std::errc() || stop != end)
      fail<ValueError>("[options] --set {}: write name=number, several with commas between", assignment);
    hyper[assignment.substr(0, equals)] = value;
  }
}

constexpr const char* unlisted = "Also";  // a group without help of its own: a neighbour or the footer names its flags

// Help that fits a screen: our groups in their order, without blank lines between them.
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
    return text + make_footer(app);
  }
};

CLI::Option* plain(CLI::Option* option, const char* group, const char* text) {
  return option->group(group)->option_text(text);
}

void add_start_values(CLI::App& app, Options& o) {
  const auto start = [&app, &o](const char* flag, const char* key, const char* group, const char* help) {
    app.add_option_function<double>(
           flag, [&o, key](double value) { o.experiment.hyper[key] = value; }, help)
        ->group(group)
        ->option_text("X, --momentum X, --weight-decay X");
  };
  start("--lr", "lr", "Problem", "their start values");
  start("--momentum", "momentum", unlisted, "");
  start("--weight-decay", "weight_decay", unlisted, "");
  plain(app.add_option_function<std::vector<std::string>>(
               "--set", [&o](const std::vector<std::string>& list) { set_values(o.experiment.hyper, list); },
               "... and of any other; NAME@GROUP: of a layer, weights, biases, norms")
            ->delimiter(',')
            ->allow_extra_args(false),
        "Problem", "NAME=X,...");
}

}  // namespace

std::string_view name_of(Command command) {
  return command == Command::train ? "train" : command == Command::tune ? "tune" : "compare";
}

void add_options(CLI::App& app, Options& o) {
  app.formatter(std::make_shared<CompactHelp>());
  app.get_help_ptr()->group("Run")->description("this help");
  // First, so that flags override the file whatever their order on the command line.
  plain(app.add_option_function<std::string>(
            "--config", [&o](const std::string& path) { read_config(o, path); },
            "start from the config.json of a run; flags override it"),
        "Problem", "FILE");
  for_each_setting(o, [&]<class T>(const Setting& setting, T& field) {
    if (!setting.in(o.command)) return;
    const std::string shown = default_text(field);
    const std::string help = setting.help + (shown.empty() ? "" : " [" + shown + "]");
    CLI::Option* option = nullptr;
    if constexpr (std::is_enum_v<T>)
      option = app.add_option_function<std::string>(
          flag_of(setting.key),
          [&field, key = setting.key](const std::string& text) { field = from_text<T>(key, text); }, help);
    else
      option = app.add_option(flag_of(setting.key), field, help);
    if constexpr (requires { field.begin(); } && !std::is_same_v<T, std::string>)
      option->delimiter(',')->allow_extra_args(false);
    using Element = typename ElementOf<T>::type;
    if constexpr (std::is_integral_v<Element>) option->check(whole_number<Element>());
    plain(option, *setting.value ? setting.group : unlisted, setting.value);
    if (setting.key == std::string_view("optimizer")) add_start_values(app, o);
    if (setting.key == std::string_view("steps"))
      plain(app.add_option("--epochs", o.epochs, "")->excludes(option)->check(whole_number<std::int64_t>(1)), unlisted,
            "N");
  });
  plain(app.add_option("--out", o.out, "run folder; default runs/<what it is>; --force replaces the run in it"), "Run",
        "DIR");
  plain(app.add_option("--resume", o.resume, "go on with the interrupted or killed run in DIR, to the same bits"),
        "Run", "DIR");
  app.add_flag("--force", o.force, "")->group(unlisted);
  app.add_flag("--json", o.json, "print the result as one JSON object")->group("Run");
  app.add_flag("--quiet", o.quiet, "no progress")->group("Run");
  app.footer(
      std::string("Also: --activation NAME --dropout P --norm batch|group (model); --train-limit N --imbalance R\n"
                  "--noise P --noise-kind symmetric|pair (training data); --schedule-every N --knots N --warm-up N\n"
                  "(schedule)") +
      (o.command == Command::train
           ? "."
           : "; --budget RUNS (searches); --directions B (random-forward); --particles N --sigma X\n"
             "(es, pes); --implicit-iterations N --implicit-tolerance X --implicit-damping X --implicit-batches N\n"
             "--neumann-step X --nystrom-columns K --nystrom-sketch columns|gaussian (implicit-*)."));
}

Json to_json(const Options& options) {
  Json json{{"command", name_of(options.command)}};
  for_each_setting(options, [&]<class T>(const Setting& setting, const T& field) {
    if (!setting.in(options.command)) return;
    if constexpr (std::is_enum_v<T>)
      json[setting.key] = text_of(field);
    else
      json[setting.key] = field;
  });
  json["hyper"] = options.experiment.hyper;
  return json;
}

namespace {

// JSON's comparison takes 2^64 - 1 and -1 for the same number.
bool above_signed(const Json& json) {
  if (json.is_array()) return std::any_of(json.begin(), json.end(), above_signed);
  return json.is_number_unsigned() && !std::in_range<std::int64_t>(json.get<std::uint64_t>());
}

bool fractional(const Json& json) {
  return json.is_array() ? std::any_of(json.begin(), json.end(), fractional) : json.is_number_float();
}

// get_to() turns 2.5 into 2, 1e99 into undefined behaviour, and -1 of an unsigned number into a huge one.
template <class T>
void get_exactly(const char* key, const Json& json, T& field) {
  bool wrong = std::is_integral_v<typename ElementOf<T>::type> && fractional(json);
  if (!wrong) json.get_to(field);
  if constexpr (std::is_unsigned_v<T>)
    wrong = wrong || !json.is_number_unsigned();
  else if constexpr (!std::is_floating_point_v<T>)
    wrong = wrong || above_signed(json);
  if (wrong || Json(field) != json)
    fail<ValueError>("[config] {} = {} is no number of the kind this setting takes", key,
                     printable(json.dump()).substr(0, 80));
}

}  // namespace

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
  const Json config = parse_json(read_file(path, 1 << 20), path);
  read_settings(resumed, config, path);
  const std::string command = config.contains("command") && config["command"].is_string() ? config["command"] : "";
  if (command != name_of(options.command))
    fail<ValueError>("[options] {} is a run of glocal {}; {}", options.resume, command,
                     command == "compare" ? "go on with glocal compare --resume and the folder of the whole comparison"
                                          : "go on with that command");
  if (threads_given) resumed.threads = options.threads;
  resumed.resume = options.resume;
  resumed.quiet = options.quiet;
  resumed.json = options.json;
  options = std::move(resumed);
}

void read_config(Options& options, const std::string& path) {
  read_settings(options, parse_json(read_file(path, 1 << 20), path), path);
}

void read_settings(Options& options, const Json& json, const std::string& source) {
  if (!json.is_object()) fail<DataError>("[config] {} is not a JSON object; give the config.json of a run", source);
  std::vector<std::string> known{"command"};
  try {
    for_each_setting(options, [&]<class T>(const Setting& setting, T& field) {
      known.emplace_back(setting.key);
      if (!json.contains(setting.key)) return;
      if constexpr (std::is_enum_v<T>)
        field = from_text<std::remove_const_t<T>>(setting.key, json[setting.key].template get<std::string>());
      else
        get_exactly(setting.key, json[setting.key], field);
    });
    known.emplace_back("hyper");
    if (json.contains("hyper") && !json["hyper"].is_object())
      fail<ValueError>("[config] {}: the value of hyper is no object of names and numbers", source);
    if (json.contains("hyper"))
      for (const auto& [name, value] : json["hyper"].items()) options.experiment.hyper[name] = value.get<double>();
  } catch (const nlohmann::json::exception& error) {
    fail<ValueError>("[config] {}: the value of {} is of the wrong kind: {}", source, known.back(), error.what());
  }
  for (const auto& [key, value] : json.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail<ValueError>("[config] {}: unknown setting {}; there are: {}", source, printable(key),
                       fmt::join(known, ", "));
}

std::int64_t parse_bytes(const std::string& text) {
  const std::string units = "KMGT";
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit(stop, text.data() + text.size());
  const bool binary = unit.size() == 3 && unit.ends_with("iB");
  if (binary) unit.resize(1);
  if (unit.size() == 2 && unit.ends_with("B")) unit.resize(1);
  const bool plain = unit.empty() || unit == "B";
  const auto place = unit.size() == 1 ? units.find(unit) : std::string::npos;
  const bool known = plain || place != std::string::npos;
  const int power = plain || !known ? 0 : static_cast<int>(place) + 1;
  const double bytes = value * std::pow(binary ? 1024 : 1000, power);
  if (error != std::errc() || !known || !(bytes >= 1 && bytes < 0x1p62))
    fail<ValueError>("[options] \"{}\" is no size; write 500M, 2G or 1.5GiB", text);
  return static_cast<std::int64_t>(bytes);
}

std::int64_t memory_limit(const Options& options) {
  if (!options.mem_limit.empty()) return parse_bytes(options.mem_limit);
  const double physical =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  return static_cast<std::int64_t>(0.8 * physical);
}

}  // namespace glocal::app

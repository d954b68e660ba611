#include <glocal/app/settings/config.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <glocal/app/settings/allowed.h>
#include <glocal/app/settings/choices.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/settings/settings.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/text/nearest.h>
#include <glocal/core/text/printable.h>
#include <glocal/core/version.h>
#include <glocal/train/experiment.h>
#include <glocal/train/refusal.h>

namespace glocal::app {
namespace {

// What a file says, in the words of a flag. get_to() would turn 2.5 into 2, 1e99 into undefined behaviour, and -1 of an
// unsigned number into a huge one.
template <class T>
T from_json(const std::string& source, const Json& json, const Allowed& allowed) {
  const auto refuse = [&](const std::string& wanted) { train::refuse_value(source, json.dump(-1, ' ', true), wanted); };
  T value{};
  if constexpr (std::is_integral_v<T>) {
    const bool fits = json.is_number_unsigned()  ? std::in_range<T>(json.get<std::uint64_t>())
                      : json.is_number_integer() ? std::in_range<T>(json.get<std::int64_t>())
                                                 : false;
    if (!fits) refuse(words<T>(allowed));
    json.get_to(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!json.is_number()) refuse(words<T>(allowed));
    json.get_to(value);
  } else if constexpr (List<T>) {
    if (!json.is_array()) refuse("list");
    for (const Json& each : json) value.push_back(from_json<typename T::value_type>(source, each, allowed));
  } else {
    if (!json.is_string()) refuse("text in quotes");
    if constexpr (std::is_enum_v<T>)
      value = from_text<T>(source, json.get<std::string>());
    else
      json.get_to(value);
  }
  check_allowed(source, value, allowed);
  return value;
}

std::string text_of_command(const Json& config) {
  const bool there = config.contains("command") && config["command"].is_string();
  return there ? printable(config["command"].get<std::string>()) : "tune";
}

}  // namespace

void check_layout(const std::filesystem::path& folder, const Json& config, std::int64_t oldest) {
  const std::string file = (folder / "config.json").string();
  const std::int64_t found = config.contains("layout") ? integer_at(config, "layout", file) : 1;
  if (found >= oldest && found <= folder_layout) return;
  std::string version = "of an unknown version";
  const std::string meta = (folder / "meta.json").string();
  std::error_code ignored;
  if (std::filesystem::exists(meta, ignored)) {
    try {
      const Json json = parse_json(read_file(meta, 1 << 24), meta);
      if (json.is_object() && json.contains("version") && json["version"].is_string())
        version = printable(json["version"].get<std::string>());
    } catch (const Error&) {  // the layout is what is to be told
    }
  }
  const bool newer = found > folder_layout;
  fail<DataError>("[runs] {} has layout {}, of glocal {}; this is glocal {}, which {} layout {}: {}", folder.string(),
                  found, version, build_info().version, newer ? "reads up to" : "goes on with", folder_layout,
                  newer ? "take that version of glocal"
                        : fmt::format("take that version of glocal, or begin anew with these settings: glocal {} "
                                      "--config {} --out NEW",
                                      text_of_command(config), printable(file)));
}

Json to_json(const Options& options) {
  Json json{{"command", name_of(options.command)}, {"layout", folder_layout}};
  for_each_setting(options, [&]<class T>(const Setting& setting, const T& field) {
    if (!setting.in(options.command)) return;
    if constexpr (std::is_enum_v<T>)
      json[setting.key] = text_of(field);
    else
      json[setting.key] = field;
  });
  json["hyper"] = Json::object();
  for (const auto& [name, value] : options.experiment.hyper)
    json["hyper"][name] = value.vector ? Json(value.numbers) : Json(value.numbers[0]);
  return json;
}

void read_config(Options& options, const std::string& path) {
  read_settings(options, parse_json(read_file(path, 1 << 24), path), path);
}

void read_settings(Options& options, const Json& json, const std::string& source) {
  if (!json.is_object()) fail<DataError>("[config] {} is not a JSON object; give the config.json of a run", source);
  if (const std::int64_t layout = json.contains("layout") ? integer_at(json, "layout", source) : folder_layout;
      layout > folder_layout)
    fail<DataError>("[config] {} has layout {}; this is glocal {}, which reads up to layout {}", source, layout,
                    build_info().version, folder_layout);
  std::vector<std::string> known{"command", "layout", "hyper"};
  std::map<std::string, std::string>& given = options.experiment.given;
  for_each_setting(options, [&]<class T>(const Setting& setting, T& field) {
    known.emplace_back(setting.key);
    if (!json.contains(setting.key)) return;
    const std::string where = given[setting.key] = source + ": " + setting.key;
    field = from_json<T>(where, json[setting.key], setting.allowed);
  });
  for (const auto& [key, value] : json.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail<ValueError>("[config] {}: {}", source, unknown_name(key, "setting", known, "glocal list settings"));
  if (!json.contains("hyper")) return;
  if (!json["hyper"].is_object())
    train::refuse_value(source + ": hyper", json["hyper"].dump(-1, ' ', true), "object {\"NAME\": X}");
  for (const auto& [name, value] : json["hyper"].items()) {
    const std::string where = given["hyper." + name] = source + ": hyper " + printable(name.substr(0, 60));
    if (value.is_array())
      options.experiment.hyper[name] = from_json<std::vector<double>>(where, value, finite_number);
    else
      options.experiment.hyper[name] = from_json<double>(where, value, finite_number);
  }
}

}  // namespace glocal::app

#include <glocal/app/record/run_record.h>

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>

namespace glocal::app {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

}  // namespace

bool is_regression(const Json& config) { return text_at(config, "loss") == "mse"; }

bool is_comparison(const Json& summary) { return summary.contains("table"); }

std::optional<std::size_t> kept_update(const RunRecord& run) {
  const double update = number_at(run.summary, {"best", "update"});
  if (text_at(run.summary, "status") != "ok") return {};  // it is only the best so far
  if (!(update >= 0) || !(update < static_cast<double>(run.updates.size()))) return {};
  return static_cast<std::size_t>(update);
}

double number_at(const Json& json, std::initializer_list<const char*> keys) {
  const Json* at = &json;
  for (const char* key : keys) {
    if (!at->is_object() || !at->contains(key)) return none;
    at = &at->at(key);
  }
  return at->is_number() ? at->get<double>() : none;
}

std::string text_at(const Json& json, const char* key) {
  if (!json.is_object() || !json.contains(key)) return "";
  const Json& value = json.at(key);
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.is_null() ? "" : value.dump();
  std::string list;
  for (const Json& entry : value)
    list += (list.empty() ? "" : ", ") + (entry.is_string() ? entry.get<std::string>() : entry.dump());
  return list;
}

}  // namespace glocal::app

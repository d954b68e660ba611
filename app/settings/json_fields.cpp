#include <glocal/app/settings/json_fields.h>

#include <fmt/core.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/printable.h>

namespace glocal::app {

std::string json_excerpt(const Json& value) {
  return printable(std::string_view(value.dump(-1, ' ', /*ensure_ascii=*/true)).substr(0, 80));
}

Fields::Fields(const Json& object, std::string name, std::string where)
    : object_(object), name_(std::move(name)), where_(std::move(where)) {
  if (!object_.is_object())
    fail<DataError>("[fields] {}: {}: expected a JSON object, found {}", where_, name_.empty() ? "it" : name_,
                    json_excerpt(object_));
}

void Fields::refuse(const char* key, const std::string& expected) const {
  fail<DataError>("[fields] {}: {}{}{}: expected {}, found {}", where_, name_, name_.empty() ? "" : ".", key, expected,
                  object_.contains(key) ? json_excerpt(object_.at(key)) : "none");
}

const Json& Fields::at(const char* key) {
  static const Json none;
  asked_.insert(key);
  return object_.contains(key) ? object_.at(key) : none;
}

std::int64_t Fields::whole(const char* key, std::int64_t least, std::int64_t most) {
  const Json& value = at(key);
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || std::in_range<std::int64_t>(value.get<std::uint64_t>()));
  if (!fits || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
    refuse(key, least == most ? fmt::format("{}", least) : fmt::format("a whole number, {} to {}", least, most));
  return value.get<std::int64_t>();
}

double Fields::number(const char* key, double least, double most) {
  const Json& value = at(key);
  if (!value.is_number() || !(value.get<double>() >= least && value.get<double>() <= most))
    refuse(key, fmt::format("a number, {} to {}", least, most));
  return value.get<double>();
}

double Fields::number_or_null(const char* key) {
  const Json& value = at(key);
  if (!object_.contains(key) || (!value.is_null() && !value.is_number())) refuse(key, "a number or null");
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

bool Fields::flag(const char* key) {
  const Json& value = at(key);
  if (!value.is_boolean()) refuse(key, "true or false");
  return value.get<bool>();
}

std::string Fields::text(const char* key) {
  const Json& value = at(key);
  if (!value.is_string()) refuse(key, "a text");
  return value.get<std::string>();
}

const Json& Fields::object(const char* key) {
  const Json& value = at(key);
  if (!value.is_object()) refuse(key, "an object");
  return value;
}

const Json& Fields::list(const char* key) {
  const Json& value = at(key);
  if (!value.is_array() && !value.is_object()) refuse(key, "a list");
  return value;
}

void Fields::equal(const char* key, const Json& expected, const std::string& by) {
  const Json& value = at(key);
  // 1 and 1.0 are one number, null stands for NaN; 2^64 - 1 and -1 are not one number, which JSON's comparison takes
  // them for.
  const bool same =
      value == expected && value.is_number() == expected.is_number() && value.is_boolean() == expected.is_boolean() &&
      (!value.is_number() || value.dump() == expected.dump() || value.is_number_float() || expected.is_number_float());
  if (!object_.contains(key) || !same) refuse(key, fmt::format("{} ({})", json_excerpt(expected), by));
}

void Fields::done(std::initializer_list<const char*> more) {
  for (const char* key : more) asked_.insert(key);
  for (const auto& [key, value] : object_.items())
    if (!asked_.contains(key))
      fail<DataError>("[fields] {}: {}{}{}: expected no such field, found {}", where_, name_, name_.empty() ? "" : ".",
                      printable(std::string_view(key).substr(0, 80)), json_excerpt(value));
}

}  // namespace glocal::app

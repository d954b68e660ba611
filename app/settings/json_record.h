// A struct as a JSON object: the list of its fields, T::fields(record, visit), serves its writer and its reader.
#pragma once
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <glocal/app/settings/json_text.h>

namespace glocal::app {

// visit(key, field) for a field that is always there, visit(key, field, there) for one that is written where `there`
// says so. JSON has no NaN and no infinity: they are written as null, on which a field that is not finite stays as it
// is, and one that is becomes NaN.

template <class T>
concept Record = requires(const T& record) {
  T::fields(record, [](const char*, const auto&, auto...) {});
};

template <class T>
Json written(const T& field) {
  if constexpr (Record<T>) {
    Json json = Json::object();
    T::fields(field, [&json](const char* key, const auto& one, bool there = true) {
      if (there) json[key] = written(one);
    });
    return json;
  } else {
    return field;
  }
}

/// Sets every field that is always there, and those of the others that are. Throws DataError naming `where`, or JSON's
/// own errors.
template <Record T>
void read_record(T& record, const Json& object, const std::string& where);

/// Sets one field from what `object` has under `key`. Throws the same.
template <class T>
void read_field(T& field, const Json& object, const char* key, const std::string& where) {
  const Json& json = object.at(key);
  if constexpr (Record<T>) {
    read_record(field, json, where);
  } else if constexpr (std::same_as<T, std::int64_t>) {
    field = integer_at(object, key, where);
  } else if constexpr (std::same_as<T, std::uint64_t>) {
    field = json.get_ref<const std::uint64_t&>();
  } else if constexpr (std::same_as<T, double>) {
    if (!json.is_null())
      json.get_to(field);
    else if (std::isfinite(field))
      field = std::numeric_limits<double>::quiet_NaN();
  } else if constexpr (std::same_as<T, std::vector<double>>) {
    field.clear();
    for (const Json& each : json)
      field.push_back(each.is_null() ? std::numeric_limits<double>::quiet_NaN() : each.get<double>());
  } else {
    json.get_to(field);
  }
}

template <Record T>
void read_record(T& record, const Json& object, const std::string& where) {
  T::fields(record, [&](const char* key, auto& field, auto... optional) {
    if (sizeof...(optional) == 0 || object.contains(key)) read_field(field, object, key, where);
  });
}

}  // namespace glocal::app

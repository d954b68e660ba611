// What the value of a flag or of a setting in a file may be, and the one way of saying that it is not. `source` names
// where a value was given: "--steps", or "c.json: steps".
#pragma once
#include <fmt/core.h>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include <glocal/app/settings/choices.h>
#include <glocal/train/refusal.h>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace glocal::app {

/// A number between bounds, a name of a list, or a text that `complaint` has nothing against.
struct Allowed {
  double least = -std::numeric_limits<double>::infinity(), most = std::numeric_limits<double>::infinity();
  bool above_least = false, below_most = false;                 ///< the bound itself is not allowed
  const char* list = nullptr;                                   ///< of a name: see name_lists.h
  std::string (*complaint)(const std::string& text) = nullptr;  ///< of a text: what is wrong with it, or ""
};

constexpr Allowed within(double least, double most) { return {.least = least, .most = most}; }
constexpr Allowed above(double least, double most) { return {.least = least, .most = most, .above_least = true}; }
constexpr Allowed below(double least, double most) { return {.least = least, .most = most, .below_most = true}; }
constexpr Allowed finite_number = within(std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
constexpr Allowed name_in(const char* list) { return {.list = list}; }
constexpr Allowed any_text(std::string (*complaint)(const std::string&) = nullptr) { return {.complaint = complaint}; }

template <class T>
concept List = requires(T& list) {
  list.push_back(typename T::value_type{});
}
&&!std::same_as<T, std::string>;

/// "whole number from 1 to 64", "number > 0, up to 1e+30".
template <class T>
std::string words(const Allowed& allowed) {
  if constexpr (std::is_integral_v<T>) {
    using Limits = std::numeric_limits<T>;
    const bool open = allowed.most >= static_cast<double>(Limits::max());
    const T most = open ? Limits::max() : static_cast<T>(allowed.most);
    const T least = allowed.least <= static_cast<double>(Limits::min()) ? Limits::min() : static_cast<T>(allowed.least);
    return fmt::format("whole number from {} to {}", least, most);
  } else {
    if (allowed.most == std::numeric_limits<double>::max()) return "finite number";
    if (allowed.above_least) return fmt::format("number > {}, up to {}", allowed.least, allowed.most);
    return fmt::format("number from {} to {}{}", allowed.least, allowed.below_most ? "below " : "", allowed.most);
  }
}

[[noreturn]] void refuse_twice(const std::string& source, std::size_t times);
/// Throws ValueError where the text is not in the list, or has a complaint.
void check_text(const std::string& source, const std::string& text, const Allowed& allowed);
/// The parts of "a,b,c"; commas in brackets divide nothing. Throws ValueError for an empty one.
std::vector<std::string> items_of(const std::string& source, const std::string& text);

/// Throws ValueError "SOURCE: VALUE is no ..." unless the value is allowed; of a list, each; names once each.
template <class T>
void check_allowed(const std::string& source, const T& value, const Allowed& allowed) {
  if constexpr (std::is_arithmetic_v<T>) {
    const auto number = static_cast<double>(value);
    const bool low = allowed.above_least ? number > allowed.least : number >= allowed.least;
    const bool high = allowed.below_most ? number < allowed.most : number <= allowed.most;
    if (!low || !high)
      train::refuse_value(source, fmt::format("{}", value), words<T>(allowed));  // of NaN both are false
  } else if constexpr (std::same_as<T, std::string>) {
    check_text(source, value, allowed);
  } else if constexpr (List<T>) {
    for (const auto& each : value) check_allowed(source, each, allowed);
    if constexpr (std::same_as<typename T::value_type, std::string>) train::refuse_repeats(source, value);
  }
}

/// The value that a text stands for. Throws ValueError as check_allowed.
template <class T>
T value_of(const std::string& source, const std::string& text, const Allowed& allowed) {
  T value{};
  if constexpr (std::is_arithmetic_v<T>) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end) train::refuse_value(source, text, words<T>(allowed));
  } else if constexpr (std::is_enum_v<T>) {
    return from_text<T>(source, text);
  } else if constexpr (List<T>) {
    if (std::is_integral_v<typename T::value_type> && text == "none") return value;  // a list of sizes may be empty
    for (const std::string& item : items_of(source, text))
      value.push_back(value_of<typename T::value_type>(source, item, allowed));
  } else {
    value = text;
  }
  check_allowed(source, value, allowed);
  return value;
}

/// Adds a flag or a positional argument that is given once, as `value_of` reads it; `given` is told its name then.
template <class T>
CLI::Option* add_value(CLI::App& app, const std::string& flag, T& field, const Allowed& allowed,
                       const std::string& help);
/// Calls `take` with the name and the text of a flag that is given once; named in messages without its short form.
CLI::Option* add_text(CLI::App& app, const std::string& flag, const std::string& help,
                      std::function<void(const std::string& source, const std::string& text)> take);

template <class T>
CLI::Option* add_value(CLI::App& app, const std::string& flag, T& field, const Allowed& allowed,
                       const std::string& help) {
  return add_text(app, flag, help, [&field, allowed](const std::string& source, const std::string& text) {
    field = value_of<std::remove_cvref_t<T>>(source, text, allowed);
  });
}

}  // namespace glocal::app

#include <glocal/app/settings/options.h>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <glocal/app/settings/name_lists.h>
#include <glocal/core/error.h>
#include <glocal/core/text/nearest.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/own/forms.h>
#include <glocal/hpo/estimators/registry.h>

namespace glocal::app {
namespace {

// The number of bytes, or nothing where the text is no size.
std::optional<std::int64_t> bytes_in(const std::string& text) {
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
  if (error != std::errc() || !known || !(bytes >= 1 && bytes < 0x1p62)) return {};
  return static_cast<std::int64_t>(bytes);
}

constexpr std::int64_t most_runs = 1'000'000;

}  // namespace

std::string_view name_of(Command command) {
  return command == Command::train ? "train" : command == Command::tune ? "tune" : "compare";
}

std::string complaint_about_size(const std::string& text) {
  if (text.empty() || bytes_in(text)) return "";
  return fmt::format("\"{}\" is no size; write 500M, 2G or 1.5GiB", printable(text.substr(0, 60)));
}

std::int64_t parse_bytes(const std::string& text) {
  if (const auto bytes = bytes_in(text)) return *bytes;
  fail<ValueError>("[options] {}", text.empty() ? "a size is empty" : complaint_about_size(text));
}

std::int64_t memory_limit(const Options& options) {
  if (!options.mem_limit.empty()) return parse_bytes(options.mem_limit);
  const double physical =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  return static_cast<std::int64_t>(0.8 * physical);
}

std::string complaint_about_dataset(const std::string& text) {
  const auto own = datasets::own_name(text);
  return own ? datasets::complaint_about_own(*own) : complaint_about("datasets", text);
}

std::int64_t runs_of_budget(const std::string& budget) {
  std::int64_t runs = 0;
  const char* end = budget.data() + budget.size();
  const auto [stop, error] = std::from_chars(budget.data(), end, runs);
  return error == std::errc() && stop == end && runs >= 2 && runs <= most_runs ? runs : 0;
}

std::string complaint_about_augmentation(const std::string& text) {
  return complaint_about("augmentations", text.substr(0, text.find('=')));
}

std::string complaint_about_budget(const std::string& text) {
  const std::vector<std::string> names = hpo::estimator_names();
  if (runs_of_budget(text) > 0 || std::find(names.begin(), names.end(), text) != names.end()) return "";
  if (!text.empty() && text.find_first_not_of("+-.0123456789") == std::string::npos)
    return fmt::format("{} is no number of plain training runs from 2 to {}, nor an estimator",
                       printable(text.substr(0, 60)), most_runs);
  return unknown_name(text, fmt::format("number of plain training runs from 2 to {}, nor an estimator", most_runs),
                      names, "glocal list estimators");
}

}  // namespace glocal::app

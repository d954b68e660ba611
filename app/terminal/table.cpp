#include <glocal/app/terminal/table.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <glocal/core/text/printable.h>

namespace glocal::app {

std::string table(std::vector<std::vector<std::string>> rows) {
  for (auto& row : rows)
    for (std::string& cell : row) cell = printable(cell);  // names may come from files
  std::vector<std::size_t> widths;
  const auto width = [](const std::string& cell) {  // bytes that begin a UTF-8 character
    return static_cast<std::size_t>(std::ranges::count_if(cell, [](char c) { return (c & 0xC0) != 0x80; }));
  };
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - width(row[i]), ' ');
      line += i == 0 ? row[i] + gap : "  " + gap + row[i];
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

Statistic statistic(const std::vector<double>& numbers) {
  Statistic s;
  s.count = numbers.size();
  for (double x : numbers) s.mean += x / static_cast<double>(s.count);
  if (s.count < 2) return s;
  for (double x : numbers) s.sd += (x - s.mean) * (x - s.mean) / static_cast<double>(s.count - 1);
  s.sd = std::sqrt(s.sd);
  return s;
}

std::string text(const Statistic& s, int decimals, double unit) {
  const auto number = [=](double x) {
    constexpr int most_digits = 8;
    const bool short_enough = std::abs(x) < std::pow(10, most_digits - decimals);
    return short_enough || !std::isfinite(x) ? fmt::format("{:.{}f}", x, decimals) : fmt::format("{:.4g}", x);
  };
  if (s.count == 0) return "-";
  if (s.count == 1) return number(s.mean * unit);
  return fmt::format("{} ± {}", number(s.mean * unit), number(s.sd * unit));
}

}  // namespace glocal::app

// Columns that line up, for stdout.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace glocal::app {

/// Rows of cells; the first row is the heading. The first column is set left, the others right.
/// What could drive a terminal is escaped.
std::string table(std::vector<std::vector<std::string>> rows);

struct Statistic {
  double mean = 0, sd = 0;  ///< sample standard deviation; 0 for fewer than two numbers
  std::size_t count = 0;
};
Statistic statistic(const std::vector<double>& numbers);

/// "0.123 ± 0.004"; without the deviation for one number, "-" for none; 4 digits where that would be more than 8.
std::string text(const Statistic& statistic, int decimals, double unit = 1);

}  // namespace glocal::app

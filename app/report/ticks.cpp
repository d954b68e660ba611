#include <glocal/app/report/ticks.h>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace glocal::app {
namespace {

std::vector<double> log_ticks(double low, double high) {
  const double decades = std::log10(high / low);
  // More digits have a tick the fewer decades there are.
  const int every = std::max(1, static_cast<int>(std::ceil(decades / 6)));
  std::vector<double> ticks;
  for (int power = static_cast<int>(std::floor(std::log10(low))); std::pow(10.0, power) <= high; ++power) {
    for (int digit = 1; digit <= 9; ++digit) {
      const double room = digit == 1 ? 1e9 : digit == 5 ? 3.1 : digit == 2 ? 2.1 : digit == 3 ? 1.1 : 0.6;
      const bool wanted = decades < room && (digit > 1 || power % every == 0);
      const double at = digit * std::pow(10.0, power);
      if (wanted && at >= low && at <= high) ticks.push_back(at);
    }
  }
  return ticks;
}

}  // namespace

std::array<double, 2> padded(double low, double high, bool log) {
  if (log && low > 0 && high > low) {
    const double factor = std::pow(high / low, 0.05);
    return {low / factor, high * factor};
  }
  const double size = high > low ? 0.05 * (high - low) : std::max(0.05 * std::abs(low), 1e-12);
  return {low - size, high + size};
}

std::vector<double> tick_positions(double low, double high, bool log) {
  if (log) return log_ticks(low, high);
  const double power = std::pow(10.0, std::floor(std::log10((high - low) / 4)));
  const double rough = (high - low) / 4 / power;
  const double step = power * (rough < 1.5 ? 1 : rough < 3.5 ? 2 : rough < 7.5 ? 5 : 10);
  std::vector<double> ticks;
  const double slack = 1e-9 * (high - low);
  for (double i = std::ceil((low - slack) / step); i * step <= high + slack; ++i)
    ticks.push_back(i == 0 ? 0 : i * step);
  return ticks;
}

std::string tick_text(double value) {
  const double size = std::abs(value);
  if (size >= 1e6 && size < 1e9) return fmt::format("{:.6g}M", value / 1e6);
  if (size >= 1e4 && size < 1e6) return fmt::format("{:.6g}k", value / 1e3);
  return fmt::format("{:.6g}", value);
}

}  // namespace glocal::app

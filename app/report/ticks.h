// Where an axis has its ticks, and what is written beside them.
#pragma once
#include <array>
#include <string>
#include <vector>

namespace glocal::app {

/// A little wider than [low, high]: by a twentieth, on a log axis of the ratio; never empty.
std::array<double, 2> padded(double low, double high, bool log);

/// Round numbers within [low, high]: about five steps of 1, 2 or 5 times a power of ten; on a log axis decades, with
/// 2 and 5 between them where there is room. low < high; log needs low > 0.
std::vector<double> tick_positions(double low, double high, bool log);

/// Short and exact for round numbers: "0.002", "1e-05", "20k", "3M".
std::string tick_text(double value);

}  // namespace glocal::app

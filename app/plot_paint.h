// The values behind the names of plot.h's colours.
#pragma once
#include <array>
#include <string_view>

namespace glocal::app {

struct PaintValue {
  std::string_view name;
  unsigned light, dark;  ///< 0xRRGGBB
};
/// In the order of Paint.
const std::array<PaintValue, 12>& palette();

}  // namespace glocal::app

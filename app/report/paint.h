// The colours of every picture.
#pragma once
#include <array>
#include <string>
#include <string_view>

namespace glocal::app {

/// Colours by meaning; each has a light and a dark value (colour-blind safe, after Okabe and Ito 2008).
enum class Paint { ink, muted, grid, grey, blue, orange, vermillion, green, purple, sky, olive, brown };
/// The same estimator has the same colour in every picture.
Paint paint_of(std::string_view estimator);
/// CSS that declares every Paint as a variable ("--blue"), for light and for dark pages.
std::string palette_css();
/// The variable's name, "blue".
std::string_view name_of(Paint paint);

struct PaintValue {
  std::string_view name;
  unsigned light, dark;  ///< 0xRRGGBB
};
/// In the order of Paint.
const std::array<PaintValue, 12>& palette();

}  // namespace glocal::app

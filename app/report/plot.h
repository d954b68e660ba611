// Pictures by the program gnuplot: plain numbers in, one SVG out. Same numbers, same bytes.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <glocal/app/report/paint.h>

namespace glocal::app {

/// One line, or one set of points.
struct Series {
  enum class Style { line, thin, dashed, dotted, faint, dots, rings, crosses, bars };
  std::string label;  ///< "": not in the legend
  Paint paint = Paint::ink;
  Style style = Style::line;
  std::vector<std::array<double, 2>> points;  ///< a NaN breaks the line; bars: {value, position}
};

struct Axis {
  std::string label;
  bool log = false;                              ///< needs positive numbers; ignored when the data span too little
  std::optional<std::array<double, 2>> range{};  ///< {low, high}; else that of the data
};

/// One panel.
struct Plot {
  std::string title;
  Axis x, y;
  std::vector<Series> series;
  std::vector<std::string> categories{};  ///< horizontal bars: names of positions 0, 1, ... from the top
  bool small = false;                     ///< for three abreast
  bool unit_circle = false;               ///< draws the circle |z| = 1, both axes to the same scale
};

/// A picture to be placed inside an HTML page: colours are the page's variables, ids start with `id`, no title, no
/// legend. Throws IoError with gnuplot's words when it fails.
std::string inline_svg(const Plot& plot, const std::string& id);
/// The legend of a plot as HTML, "" when no series has a label.
std::string legend_html(const Plot& plot);
/// A file of its own: panels two abreast with titles and legends, on white.
std::string svg_sheet(const std::vector<Plot>& panels, const std::string& title);

}  // namespace glocal::app

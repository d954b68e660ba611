// Draws lines and points as an SVG file beside the exercise: open it in a browser.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace course {

struct Line {
  std::string label;
  std::vector<std::pair<double, double>> points;  ///< (x, y); what is not finite breaks the line
  bool dots = false;                              ///< points instead of a line
  bool under = false;                             ///< wide and pale, or open circles: seen where another lies upon it
};

struct Picture {
  std::string title, x_label, y_label;
  std::vector<Line> lines;
  bool log_y = false;        ///< needs positive numbers; others are left out
  bool unit_circle = false;  ///< draws |z| = 1, both axes to one scale
};

/// Writes FILE (NAME.svg) into the folder of the exercise, or the current one; returns its path.
std::string draw(const Picture& picture, const std::string& name);

}  // namespace course

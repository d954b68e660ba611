#include "picture.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include <glocal/core/io/file.h>
#include <glocal/core/text/xml.h>

namespace course {
namespace {

constexpr double width = 640, height = 400, left = 70, right = 110, top = 40, bottom = 50;
constexpr const char* colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};

struct Range {
  double low = HUGE_VAL, high = -HUGE_VAL;
  void take(double x) { low = std::min(low, x), high = std::max(high, x); }
  void finish() {
    if (!(low <= high)) low = 0, high = 1;
    const double margin = high > low ? 0.04 * (high - low) : std::max(1e-3, 0.1 * std::abs(high));
    low -= margin, high += margin;
  }
};

struct Frame {
  Range x, y;
  bool log_y;
  double at_x(double v) const { return left + (v - x.low) / (x.high - x.low) * (width - left - right); }
  double at_y(double v) const { return height - bottom - (v - y.low) / (y.high - y.low) * (height - top - bottom); }
  double height_of(double v) const { return log_y ? std::log10(v) : v; }
  bool shows(double a, double b) const { return std::isfinite(a) && std::isfinite(b) && (!log_y || b > 0); }
};

Frame frame_of(const Picture& picture) {
  Frame frame{{}, {}, picture.log_y};
  for (const Line& line : picture.lines)
    for (const auto& [x, y] : line.points)
      if (frame.shows(x, y)) frame.x.take(x), frame.y.take(frame.height_of(y));
  if (picture.unit_circle)
    for (const double edge : {-1.0, 1.0}) frame.x.take(edge), frame.y.take(edge);
  frame.x.finish(), frame.y.finish();
  if (picture.unit_circle) {  // one scale for both
    const double half = 0.5 * (frame.y.high - frame.y.low) * (width - left - right) / (height - top - bottom);
    const double middle = 0.5 * (frame.x.low + frame.x.high);
    frame.x = {middle - half, middle + half};
  }
  return frame;
}

// Multiples of 1, 2 or 5 times a power of ten, about five of them.
std::vector<double> ticks(const Range& range) {
  const double rough = (range.high - range.low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10);
  std::vector<double> at;
  for (double k = std::ceil(range.low / step); k * step <= range.high; ++k) at.push_back(k == 0 ? 0 : k * step);
  return at;
}

std::string axes(const Frame& frame, const Picture& picture) {
  constexpr double middle = (left + width - right) / 2;
  std::string svg;
  for (const double y : ticks(frame.y)) {
    svg += fmt::format("<line x1='{:.1f}' x2='{:.1f}' y1='{:.1f}' y2='{:.1f}' stroke='#ddd'/>\n", left, width - right,
                       frame.at_y(y), frame.at_y(y));
    svg += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='end'>{:.3g}</text>\n", left - 6, frame.at_y(y) + 4,
                       frame.log_y ? std::pow(10, y) : y);
  }
  for (const double x : ticks(frame.x))
    svg += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='middle'>{:.3g}</text>\n", frame.at_x(x),
                       height - bottom + 18, x);
  svg += fmt::format("<text x='{:.1f}' y='24' text-anchor='middle' font-size='16'>{}</text>\n", middle,
                     glocal::xml_text(picture.title));
  svg += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='middle'>{}</text>\n", middle, height - 10,
                     glocal::xml_text(picture.x_label));
  svg += fmt::format("<text transform='translate(16,{:.1f}) rotate(-90)' text-anchor='middle'>{}</text>\n", height / 2,
                     glocal::xml_text(picture.y_label));
  return svg;
}

std::string curve(const Frame& frame, const Line& line, const char* colour) {
  std::string path, dots;
  bool pen_down = false;
  for (const auto& [x, y] : line.points) {
    if (!frame.shows(x, y)) {
      pen_down = false;
      continue;
    }
    const double across = frame.at_x(x), up = frame.at_y(frame.height_of(y));
    path += fmt::format("{}{:.1f} {:.1f} ", pen_down ? 'L' : 'M', across, up);
    dots += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='{}' fill='{}' stroke='{}'/>\n", across, up,
                        line.under ? 8 : 3, line.under ? "none" : colour, colour);
    pen_down = true;
  }
  if (line.dots) return dots;
  return fmt::format("<path d='{}' fill='none' stroke='{}' stroke-width='{}' stroke-opacity='{}'/>\n", path, colour,
                     line.under ? 7 : 2, line.under ? 0.35 : 1.0);
}

}  // namespace

std::string draw(const Picture& picture, const std::string& name) {
  const Frame frame = frame_of(picture);
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0:.0f} {1:.0f}' font-family='sans-serif' font-size='12'>\n"
      "<rect width='{0:.0f}' height='{1:.0f}' fill='white'/>\n",
      width, height);
  svg += axes(frame, picture);
  if (picture.unit_circle)
    svg += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='{:.1f}' fill='none' stroke='#999'/>\n", frame.at_x(0),
                       frame.at_y(0), frame.at_x(1) - frame.at_x(0));
  for (std::size_t i = 0; i < picture.lines.size(); ++i) {
    const char* colour = colours[i % std::size(colours)];
    svg += curve(frame, picture.lines[i], colour);
    svg += fmt::format("<text x='{:.1f}' y='{:.1f}' fill='{}'>{}</text>\n", width - right + 10,
                       top + 14 + 16 * static_cast<double>(i), colour, glocal::xml_text(picture.lines[i].label));
  }
  const char* folder = std::getenv("GLOCAL_EXERCISE_FOLDER");
  const std::string path = fmt::format("{}/{}", folder ? folder : ".", name);
  glocal::write_file_atomically(path, svg + "</svg>\n");
  return path;
}

}  // namespace course

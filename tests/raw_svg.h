// A picture as gnuplot wrote it into a page, read back: where its ticks stand and what was drawn, in pixels.
#pragma once
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "raw_run.h"

namespace raw {

using Pixels = std::vector<std::array<double, 2>>;

struct Mark {
  std::string colour;          // "blue", or "" where only a text stands
  std::vector<Pixels> pieces;  // of a line, broken where a number is missing; points and bars are one piece
  std::string text;
};

struct Picture {
  std::map<double, double> x, y;             // ticks: pixel of a value
  std::map<std::string, double> categories;  // names at the left of bars: pixel
  std::vector<Mark> marks;                   // in the order of the plot's series

  // The pixel of a number, by the outermost two ticks of its axis.
  static double pixel(const std::map<double, double>& ticks, double value, bool log) {
    REQUIRE(ticks.size() >= 2);
    const auto scale = [log](double v) { return log ? std::log(v) : v; };
    const auto [low, at_low] = *ticks.begin();
    const auto [high, at_high] = *ticks.rbegin();
    return at_low + (at_high - at_low) * (scale(value) - scale(low)) / (scale(high) - scale(low));
  }
};

inline Pixels pixels(const std::string& text) {
  Pixels all;
  const char* at = text.c_str();
  const char* const end = at + text.size();
  while (at < end) {
    char* stop = nullptr;
    const double x = std::strtod(at, &stop);
    if (stop == at || *stop != ',') {
      ++at;
      continue;
    }
    all.push_back({x, std::strtod(stop + 1, &stop)});
    at = stop;
  }
  return all;
}

inline double tick_value(const std::string& label) {
  const double unit = label.ends_with('k') ? 1e3 : label.ends_with('M') ? 1e6 : 1;
  return unit * std::strtod(label.c_str(), nullptr);
}

// `svg` begins at <svg class="plot". Each series is a bare <g>, after those of the axes.
inline Picture picture(const std::string& svg) {
  Picture out;
  const std::string body = svg.substr(svg.find("</defs>"), svg.find("</svg>") - svg.find("</defs>"));
  const std::size_t axes = body.find("\n<g>\n");
  const std::string tick = "<path stroke='var(--grey)'  d='M";
  for (const std::string& part : between(body.substr(0, axes), tick, "</text>")) {
    const std::size_t anchor = part.find("text-anchor=\"");
    if (anchor == std::string::npos) continue;
    const auto at = pixels(part.substr(0, part.find('\'')));
    if (at.size() != 1) continue;  // the axes themselves
    const std::string label = plain(part.substr(part.find("<text>")));
    if (part.compare(anchor + 13, 6, "middle") == 0)
      out.x[tick_value(label)] = at.at(0)[0];
    else if (label.find_first_not_of("+-.0123456789ekM") == std::string::npos)
      out.y[tick_value(label)] = at.at(0)[1];
    else
      out.categories[label] = at.at(0)[1];
  }
  for (std::size_t begin = axes; begin != std::string::npos;) {
    const std::size_t next = body.find("\n<g>\n", begin + 1);
    const std::string part = body.substr(begin, next - begin);
    Mark mark;
    const std::size_t colour = part.find("var(--");
    if (colour != std::string::npos) mark.colour = part.substr(colour + 6, part.find(')', colour) - colour - 6);
    const std::size_t path = part.find("<path"), polygon = part.find("points = '"), stop = part.find("</g>\n</g>");
    if (part.find("<use") != std::string::npos) {
      mark.pieces.emplace_back();
      for (const std::string& use : between(part, "translate(", ")")) mark.pieces[0].push_back(pixels(use + " ").at(0));
    } else if (polygon != std::string::npos) {
      mark.pieces.push_back(pixels(part.substr(polygon + 10, part.find('\'', polygon + 10) - polygon - 10)));
    } else if (part.find("<text>") != std::string::npos && part.find("<text>") < stop) {
      mark.text = plain(part.substr(part.find("<text>"), part.find("</text>") - part.find("<text>")));
    } else if (path != std::string::npos) {
      const std::size_t d = part.find(" d='", path) + 4;
      std::istringstream data(part.substr(d, part.find('\'', d) - d));
      for (std::string piece; std::getline(data, piece, 'M');)
        if (const Pixels line = pixels(piece); !line.empty()) mark.pieces.push_back(line);
    }
    out.marks.push_back(mark);
    begin = next;
  }
  return out;
}

// The picture of a figure of a page.
inline Picture figure(const std::string& page, const std::string& id) {
  const std::vector<std::string> found = between(page, "<figure id=\"" + id + "\">", "</figure>");
  REQUIRE(found.size() == 1);
  return picture(found[0].substr(found[0].find("<svg class=\"plot\"")));
}

// The points of a mark stand where the numbers belong, to a fiftieth of a pixel.
inline void check_drawn(const Picture& picture, const Mark& mark, const std::vector<std::array<double, 2>>& points,
                        bool log = false) {
  REQUIRE(mark.pieces.size() == 1);
  REQUIRE(mark.pieces[0].size() == points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(std::abs(mark.pieces[0][i][0] - Picture::pixel(picture.x, points[i][0], false)) < 0.05);
    CHECK(std::abs(mark.pieces[0][i][1] - Picture::pixel(picture.y, points[i][1], log)) < 0.05);
  }
}

}  // namespace raw

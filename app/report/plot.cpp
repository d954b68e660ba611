#include <glocal/app/report/plot.h>

#include <fmt/core.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/app/report/gnuplot.h>
#include <glocal/app/report/paint.h>
#include <glocal/app/report/ticks.h>
#include <glocal/core/error.h>
#include <glocal/core/text/xml.h>

namespace glocal::app {
namespace {

constexpr int width = 520, height = 320, small_width = 380, small_height = 250;

std::string rgb(Paint paint, unsigned transparency = 0) {
  return fmt::format("rgb \"#{:02x}{:06x}\"", transparency, palette()[static_cast<std::size_t>(paint)].light);
}

// A text between double quotes, in gnuplot's plain mode.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + '"';
}

int width_of(const Plot& plot) { return plot.small ? small_width : width; }

int height_of(const Plot& plot) {
  if (plot.small) return small_height;
  if (plot.unit_circle) return 420;
  return plot.categories.empty() ? height : 70 + 34 * static_cast<int>(plot.categories.size());
}

// The interval an axis shows: the data's own, a little wider, and from 0 for bars.
std::array<double, 2> limits(const Plot& plot, const Axis& axis, std::size_t which) {
  if (axis.range) return *axis.range;
  double low = INFINITY, high = -INFINITY;
  for (const Series& series : plot.series) {
    for (const auto& point : series.points) {
      if (!std::isfinite(point[0]) || !std::isfinite(point[1]) || (axis.log && point[which] <= 0)) continue;
      low = std::min(low, point[which]);
      high = std::max(high, point[which]);
    }
  }
  if (low > high) return {0, 1};
  if (!plot.categories.empty()) low = std::min(low, 0.0);
  return which == 0 && plot.categories.empty() ? std::array{low, high} : padded(low, high, axis.log);
}

std::string axis_script(char name, const Axis& axis, std::array<double, 2> range) {
  const bool log = axis.log && range[0] > 0 && range[1] > 2 * range[0];
  if (!(range[1] > range[0])) range = padded(range[0], range[1], false);
  std::vector<std::string> ticks;
  for (const double at : tick_positions(range[0], range[1], log))
    ticks.push_back(fmt::format("\"{}\" {:.9g}", tick_text(at), at));
  return fmt::format("{} logscale {}\nset {}range [{:.9g}:{:.9g}]\nset {}tics ({}) textcolor {}\nset {}label {}\n",
                     log ? "set" : "unset", name, name, range[0], range[1], name, fmt::join(ticks, ", "),
                     rgb(Paint::muted), name, quoted(axis.label) + " textcolor " + rgb(Paint::muted));
}

std::string style_script(const Series& series) {
  using Style = Series::Style;
  const std::string colour = " lc " + rgb(series.paint);
  switch (series.style) {
    case Style::line: return "with lines lw 2.6" + colour;
    case Style::thin: return "with lines lw 1.2" + colour;
    case Style::dashed: return "with lines lw 2.2 dt (9,5)" + colour;
    case Style::dotted: return "with lines lw 1.6 dt (2,4)" + colour;
    case Style::faint: return "with lines lw 1.1 lc " + rgb(series.paint, 0xa0);
    case Style::dots: return "with points pt 7 ps 0.75" + colour;
    case Style::rings: return "with points pt 6 ps 1.3 lw 2" + colour;
    case Style::crosses: return "with points pt 2 ps 1 lw 2" + colour;
    case Style::bars: return "fs solid 0.85 noborder fc " + rgb(series.paint);
  }
  return "";
}

// One panel: its data blocks named by `id`, its axes, and the plot command.
std::string panel_script(const Plot& plot, const std::string& id, bool legend) {
  std::string data, commands;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const Series& series = plot.series[i];
    if (series.points.empty()) continue;
    const std::string name = fmt::format("${}s{}", id, i);
    data += name + " << EOD\n";
    for (const auto& [x, y] : series.points)
      data += std::isfinite(x) && std::isfinite(y) ? fmt::format("{:.9g} {:.9g}\n", x, y) : "\n";
    data += "EOD\n";
    const std::string title = legend && !series.label.empty() ? " title " + quoted(series.label) : " notitle";
    const bool bars = series.style == Series::Style::bars;
    commands +=
        fmt::format("{}{} using {} {}{}", commands.empty() ? "plot " : ", \\\n  ", name,
                    bars ? "1:2:(0):1:($2-0.36):($2+0.36) with boxxyerror" : "1:2", style_script(series), title);
    if (bars)
      commands +=
          fmt::format(", {} using 1:2:(sprintf(\" %.3g\", $1)) with labels left offset 0.7,0 textcolor {} notitle",
                      name, rgb(Paint::ink));
  }
  if (plot.unit_circle) {
    data += fmt::format("${}c << EOD\n", id);
    for (int i = 0; i <= 180; ++i)
      data += fmt::format("{:.6f} {:.6f}\n", std::cos(std::numbers::pi * i / 90), std::sin(std::numbers::pi * i / 90));
    data += "EOD\n";
    commands += fmt::format("{}${}c using 1:2 with lines lw 1.4 lc {} notitle", commands.empty() ? "plot " : ", \\\n  ",
                            id, rgb(Paint::grey));
  }
  if (commands.empty()) commands = "plot NaN notitle";

  std::string axes = axis_script('x', plot.x, limits(plot, plot.x, 0));
  if (plot.categories.empty()) {
    axes += axis_script('y', plot.y, limits(plot, plot.y, 1));
  } else {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < plot.categories.size(); ++i)
      names.push_back(fmt::format("{} {}", quoted(plot.categories[i]), i));
    axes += fmt::format("unset logscale y\nset yrange [{}:-0.6]\nset ytics ({}) textcolor {}\nunset ylabel\n",
                        static_cast<double>(plot.categories.size()) - 0.4, fmt::join(names, ", "), rgb(Paint::ink));
  }
  axes += fmt::format("set grid {} lt 1 lw 1 lc {}\n", plot.categories.empty() ? "xtics ytics" : "xtics noytics",
                      rgb(Paint::grid));
  axes += plot.unit_circle ? "set size ratio -1\n" : "set size noratio\n";
  axes += fmt::format("set border {} lw 1 lc {}\n", plot.categories.empty() ? 1 : 0, rgb(Paint::grey));
  return data + axes + commands + "\n";
}

std::string head(int w, int h, std::string_view more) {
  return fmt::format(
      "set encoding utf8\nset terminal svg size {},{} dynamic noenhanced font \"sans-serif,15\" rounded dashed name "
      "\"figure\" {}\nset tics scale 0 nomirror\nset xlabel offset 0,0.5\nset ylabel offset 1,0\n",
      w, h, more);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// gnuplot's SVG body without its scripts, filters, titles and empty groups.
std::string svg_body(const std::string& svg) {
  std::vector<std::string_view> lines;
  bool in_filter = false;
  std::size_t at = svg.find("<g id=\"gnuplot_canvas\">");
  const std::size_t end = svg.rfind("</svg>");
  if (at == std::string::npos || end == std::string::npos) fail<IoError>("[plot] gnuplot returned no SVG");
  at = svg.find('\n', at) + 1;
  while (at < end) {
    const std::size_t stop = std::min(svg.find('\n', at), end);
    std::string_view line(svg.data() + at, stop - at);
    at = stop + 1;
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.starts_with("<filter")) in_filter = true;
    if (line.starts_with("<g id=\"figure_plot_")) line = "<g>";
    const bool closes_nothing = line == "</g>" && !lines.empty() && lines.back().starts_with("<g fill") &&
                                lines.back().ends_with('>') && !lines.back().ends_with("/>");
    if (closes_nothing) lines.pop_back();
    if (!in_filter && !closes_nothing && !line.empty()) lines.push_back(line);
    if (line.starts_with("</filter")) in_filter = false;
  }
  lines.pop_back();  // the canvas group's end
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

}  // namespace

std::string inline_svg(const Plot& plot, const std::string& id) {
  std::string body = svg_body(run_gnuplot(head(width_of(plot), height_of(plot), "") + panel_script(plot, "p", false)));
  for (const PaintValue& paint : palette()) {
    const unsigned r = paint.light >> 16, g = paint.light >> 8 & 255, b = paint.light & 255;
    replace_all(body, fmt::format("rgb({:3},{:4},{:4})", r, g, b), fmt::format("var(--{})", paint.name));
    replace_all(body, fmt::format("rgb({},{},{})", r, g, b), fmt::format("var(--{})", paint.name));
  }
  replace_all(body, " font-family=\"sans-serif\"", "");
  replace_all(body, "xlink:href", "href");
  replace_all(body, "'#gpPt", "'#" + id + "-gpPt");
  replace_all(body, "id='gp", "id='" + id + "-gp");
  return fmt::format("<svg class=\"plot\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {} {}\">\n{}</svg>\n",
                     xml_text(plot.title), width_of(plot), height_of(plot), body);
}

std::string legend_html(const Plot& plot) {
  using Style = Series::Style;
  std::string entries;
  for (const Series& series : plot.series) {
    if (series.label.empty() || series.points.empty()) continue;
    std::string_view shape;
    switch (series.style) {
      case Style::line: shape = "<path d=\"M1 5h24\" stroke-width=\"3\"/>"; break;
      case Style::thin: shape = "<path d=\"M1 5h24\" stroke-width=\"1.5\"/>"; break;
      case Style::faint: shape = "<path d=\"M1 5h24\" stroke-width=\"1.5\" opacity=\".5\"/>"; break;
      case Style::dashed: shape = "<path d=\"M1 5h24\" stroke-width=\"2.5\" stroke-dasharray=\"7 4\"/>"; break;
      case Style::dotted: shape = "<path d=\"M1 5h24\" stroke-width=\"2\" stroke-dasharray=\"2 3\"/>"; break;
      case Style::dots: shape = "<circle cx=\"13\" cy=\"5\" r=\"3.5\" fill=\"currentColor\" stroke=\"none\"/>"; break;
      case Style::rings: shape = "<circle cx=\"13\" cy=\"5\" r=\"3.5\" stroke-width=\"2\"/>"; break;
      case Style::crosses: shape = "<path d=\"M9 1l8 8M17 1l-8 8\" stroke-width=\"2\"/>"; break;
      case Style::bars: shape = "<path d=\"M1 5h24\" stroke-width=\"9\"/>"; break;
    }
    entries += fmt::format(
        "<span><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\" style=\"color:var(--{})\"><g fill=\"none\" "
        "stroke=\"currentColor\">{}</g></svg>{}</span>",
        name_of(series.paint), shape, xml_text(series.label));
  }
  return entries.empty() ? "" : "<p class=\"legend\">" + entries + "</p>\n";
}

std::string svg_sheet(const std::vector<Plot>& panels, const std::string& title) {
  const int rows = (static_cast<int>(panels.size()) + 1) / 2;
  std::string script = head(2 * width, 60 + rows * 400, "background \"#ffffff\"");
  script += fmt::format(
      "set multiplot layout {},2 title {} font \",19\"\nset key below center horizontal Left reverse samplen 2 width "
      "1\n",
      rows, quoted(title));
  for (std::size_t i = 0; i < panels.size(); ++i) {
    script += fmt::format("set title {} textcolor {}\n", quoted(panels[i].title), rgb(Paint::ink));
    script += panel_script(panels[i], fmt::format("p{}", i), true);
  }
  return run_gnuplot(script + "unset multiplot\n");
}

}  // namespace glocal::app

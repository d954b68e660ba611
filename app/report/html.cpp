#include <glocal/app/report/html.h>

#include <fmt/core.h>
#include <fmt/format.h>

#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/app/report/gnuplot.h>
#include <glocal/app/report/plot.h>
#include <glocal/core/text/xml.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> report_style;  // style.css
}

namespace glocal::app {

std::string html_of(const Table& table) {
  std::string out = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const std::string& cell : table.head) out += "<th>" + xml_text(cell) + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += "<td>" + xml_text(cell) + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string definitions(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out = "<dl>\n";
  for (const auto& [name, value] : entries)
    out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", xml_text(name), xml_text(value));
  return out + "</dl>\n";
}

std::string figure(const Plot& plot, const std::string& id, const std::string& explanation) {
  if (plot.series.empty() || !gnuplot_found()) return "";
  const std::string caption = explanation.empty() ? "" : "<figcaption>" + xml_text(explanation) + "</figcaption>\n";
  return fmt::format("<figure id=\"{}\">\n<h3>{}</h3>\n{}{}{}</figure>\n", id, xml_text(plot.title), legend_html(plot),
                     inline_svg(plot, id), caption);
}

std::string html_of(const Page& page) {
  const std::string missing =
      gnuplot_found() ? ""
                      : "<p class=\"alarm\">The pictures are missing because gnuplot is not installed. Install it "
                        "(apt-get install gnuplot-nox), then run: glocal runs report DIR</p>\n";
  const auto style = embedded::report_style;
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n{7}<title>{0}</title>\n"
      "<style>\n{1}\n{2}</style>\n</head>\n<body>\n{3}<h1>{0}</h1>\n<p class=\"sub\">{4}</p>\n{5}{6}</body>\n</html>\n",
      xml_text(page.title), palette_css(), std::string_view(reinterpret_cast<const char*>(style.data()), style.size()),
      page.synthetic ? "<p class=\"stamp\">SYNTHETIC DATA</p>\n" : "", xml_text(page.subtitle), missing, page.body,
      page.refresh > 0 ? fmt::format("<meta http-equiv=\"refresh\" content=\"{}\">\n", page.refresh) : "");
}

std::string number_text(double value) { return std::isnan(value) ? "" : fmt::format("{:.4g}", value); }

std::string number_text(const Spread& spread) { return std::isnan(spread.median) ? "" : spread_text(spread, 4); }

}  // namespace glocal::app

#include <glocal/app/report/html.h>

#include <fmt/core.h>
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/app/report/escaped.h>
#include <glocal/app/report/gnuplot.h>
#include <glocal/app/report/plot.h>

namespace glocal::app {
namespace {

constexpr std::string_view style = R"(
*{box-sizing:border-box}
:root{--page:#ffffff;--panel:#f6f7f9;--alarm:#b42318}
@media screen and (prefers-color-scheme:dark){:root{--page:#14171c;--panel:#1d2229;--alarm:#ff8a7a}}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:76rem;padding:1.2rem clamp(.8rem,3vw,2.4rem) 3rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:.6rem 0 .2rem}
h2{font-size:1.25rem;margin:2.6rem 0 .6rem;padding-top:.7rem;border-top:1px solid var(--grid)}
h3{font-size:1rem;margin:0 0 .3rem}
p{margin:.4rem 0;max-width:46rem}
.sub,figcaption,.note{color:var(--muted)}
figcaption,.note{font-size:.88rem;line-height:1.45}
.stamp{display:inline-block;font-weight:700;letter-spacing:.12em;color:var(--page);background:var(--alarm);
padding:.25rem .8rem;border-radius:.3rem;margin:.3rem 0}
.alarm{color:var(--alarm);font-weight:600}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.7rem;margin:1.2rem 0}
.tiles div{background:var(--panel);border-radius:.6rem;padding:.7rem .9rem}
.tiles b{display:block;font-size:1.35rem;white-space:nowrap;line-height:1.25;font-variant-numeric:tabular-nums}
.tiles span{color:var(--muted);font-size:.85rem}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1.2rem;margin:1.2rem 0}
.grid.three{grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr))}
figure{margin:0;padding:.9rem 1rem;border:1px solid var(--grid);border-radius:.7rem;min-width:0;break-inside:avoid}
svg.plot{display:block;width:100%;height:auto;color:var(--ink)}
svg.plot text{font-family:inherit}
.legend{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;margin:.1rem 0 .3rem;font-size:.88rem}
.legend span{white-space:nowrap}
.legend svg{width:26px;height:10px;margin-right:.4rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;margin:.5rem 0}
th,td{padding:.28rem .7rem;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
th{color:var(--muted);font-weight:600;vertical-align:bottom}
th:first-child,td:first-child{text-align:left;padding-left:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.2rem;font-size:.88rem;margin:.6rem 0}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
summary{cursor:pointer;font-weight:600}
@media print{body{font-size:11px;max-width:none;padding:0}.scroll{overflow:visible}h2{break-after:avoid}}
)";

}  // namespace

std::string html_of(const Table& table) {
  std::string out = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const std::string& cell : table.head) out += "<th>" + escaped(cell) + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += "<td>" + escaped(cell) + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string definitions(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out = "<dl>\n";
  for (const auto& [name, value] : entries)
    out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value));
  return out + "</dl>\n";
}

std::string figure(const Plot& plot, const std::string& id, const std::string& explanation) {
  if (plot.series.empty() || !gnuplot_found()) return "";
  const std::string caption = explanation.empty() ? "" : "<figcaption>" + escaped(explanation) + "</figcaption>\n";
  return fmt::format("<figure id=\"{}\">\n<h3>{}</h3>\n{}{}{}</figure>\n", id, escaped(plot.title), legend_html(plot),
                     inline_svg(plot, id), caption);
}

std::string html_of(const Page& page) {
  const std::string missing =
      gnuplot_found() ? ""
                      : "<p class=\"alarm\">The pictures are missing because gnuplot is not installed. Install it "
                        "(apt-get install gnuplot-nox), then run: glocal runs report DIR</p>\n";
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{0}</title>\n"
      "<style>\n{1}{2}</style>\n</head>\n<body>\n{3}<h1>{0}</h1>\n<p class=\"sub\">{4}</p>\n{5}{6}</body>\n</html>\n",
      escaped(page.title), palette_css(), style, page.synthetic ? "<p class=\"stamp\">SYNTHETIC DATA</p>\n" : "",
      escaped(page.subtitle), missing, page.body);
}

std::string number_text(double value) { return std::isnan(value) ? "" : fmt::format("{:.4g}", value); }

}  // namespace glocal::app

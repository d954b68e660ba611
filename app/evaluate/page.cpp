#include <glocal/app/evaluate/page.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <glocal/app/evaluate/score.h>
#include <glocal/app/record/network.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/report/figures.h>
#include <glocal/app/report/html.h>
#include <glocal/app/report/sections.h>
#include <glocal/core/text/xml.h>

namespace glocal::app {
namespace {

constexpr std::size_t most_in_matrix = 40, most_confusions = 20;

double share(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(1, whole));
}

std::string percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "" : fmt::format("{:.2f}", 100 * share(part, whole));
}

std::string class_table(const Evaluation& e) {
  Table table{{"class", "images", "right", "accuracy %", "predicted", "of these right %"}, {}};
  for (std::size_t k = 0; k < e.class_names.size(); ++k) {
    const std::int64_t images = e.images_of(k), given = e.given(k), right = e.confusion[k][k];
    table.rows.push_back({e.class_names[k], fmt::format("{}", images), fmt::format("{}", right), percent(right, images),
                          fmt::format("{}", given), percent(right, given)});
  }
  return html_of(table);
}

std::string class_figure(const Evaluation& e) {
  std::vector<std::string> names;
  std::vector<double> shares;
  for (std::size_t k = 0; k < e.class_names.size(); ++k) {
    if (e.images_of(k) == 0) continue;
    names.push_back(e.class_names[k]);
    shares.push_back(100 * share(e.confusion[k][k], e.images_of(k)));
  }
  return figure(ratio_bars(names, shares, "Accuracy by class, %", "% of the images of the class"), "classes", "");
}

// A cell is shaded by its share of the row: green where right, vermillion where wrong.
std::string matrix(const Evaluation& e) {
  std::string out = "<div class=\"scroll\"><table class=\"matrix\">\n<thead><tr><th>is \\ called</th>";
  for (const std::string& name : e.class_names) out += "<th>" + xml_text(name) + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < e.confusion.size(); ++i) {
    out += "<tr><td>" + xml_text(e.class_names[i]) + "</td>";
    for (std::size_t j = 0; j < e.confusion.size(); ++j) {
      const std::int64_t count = e.confusion[i][j];
      const double alpha = share(count, e.images_of(i));
      out += count == 0 ? std::string("<td></td>")
                        : fmt::format("<td style=\"background:rgba({},{:.3f})\">{}</td>",
                                      i == j ? "0,158,115" : "213,94,0", 0.08 + 0.72 * alpha, count);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string confusions(const Evaluation& e) {
  std::vector<std::tuple<std::int64_t, std::size_t, std::size_t>> wrong;
  for (std::size_t i = 0; i < e.confusion.size(); ++i)
    for (std::size_t j = 0; j < e.confusion.size(); ++j)
      if (i != j && e.confusion[i][j] > 0) wrong.emplace_back(-e.confusion[i][j], i, j);
  if (wrong.empty()) return "<p>Every image was classified right.</p>\n";
  std::sort(wrong.begin(), wrong.end());
  Table table{{"is", "called", "images", "% of its class"}, {}};
  for (const auto& [count, i, j] : wrong) {
    if (table.rows.size() == most_confusions) break;
    table.rows.push_back(
        {e.class_names[i], e.class_names[j], fmt::format("{}", -count), percent(-count, e.images_of(i))});
  }
  return "<h3>The most frequent confusions</h3>\n" + html_of(table);
}

std::string scores(const Evaluation& e) {
  std::string out = "<h2>Classes</h2>\n";
  const bool few = e.class_names.size() <= most_in_matrix;
  if (few) out += "<div class=\"grid\">\n" + class_figure(e) + "</div>\n";
  out += class_table(e) + "<h2>Confusion matrix</h2>\n";
  if (few)
    out += matrix(e) +
           "<p class=\"note\">A row has the images of one class, a column those that the network gave that name. The "
           "shade is the share of the row.</p>\n";
  else
    out += fmt::format("<p class=\"note\">{} classes: the whole matrix is in evaluation.json.</p>\n",
                       e.class_names.size());
  return out + confusions(e);
}

}  // namespace

std::string evaluation_page(const Evaluated& about, const Network& network, const Evaluation& e) {
  Page page;
  page.title = fmt::format("{} on {}", text_at(network.config, "model"), about.data);
  const std::string part = about.part == "all" ? "all that there are" : fmt::format("the {} part", about.part);
  page.subtitle = fmt::format("{} images, {} · {} of {}, after {} steps on {}", e.size(), part, about.network,
                              about.run, network.seen.steps, network.data);
  page.synthetic = about.synthetic;
  if (!about.state.empty()) page.body += "<p class=\"alarm\">" + xml_text(about.state) + "</p>\n";
  if (!e.note.empty()) page.body += "<p class=\"alarm\">" + xml_text(e.note) + "</p>\n";
  if (e.known > 0)
    page.body += tiles({{fmt::format("{:.2f} %", 100 * e.accuracy), "accuracy"},
                        {number_text(e.loss), "loss"},
                        {fmt::format("{}", e.known), "images with a label"}}) +
                 scores(e);
  else
    page.body += "<p>The images have no labels: predictions.csv has what the network says of each.</p>\n";
  page.body += settings_section(about.config, about.meta);
  return html_of(page);
}

}  // namespace glocal::app

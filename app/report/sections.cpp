#include <glocal/app/report/sections.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/numbers.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/report/figures.h>
#include <glocal/app/report/html.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/core/text/xml.h>

namespace glocal::app {
namespace {

std::string size_or_nothing(double bytes) { return std::isnan(bytes) ? "" : size_text(bytes); }
std::string duration_or_nothing(double seconds) { return std::isnan(seconds) ? "" : duration(seconds); }

std::string spectrum_figures(const std::vector<UpdateRecord>& fitted) {
  return "<div class=\"grid\">\n" +
         figure(
             eigenvalue_plot(fitted), "eigenvalues",
             "Each point is one mode of the fitted recurrence, the circle is |λ| = 1. Inside it a mode dies out, on "
             "it the mode lasts, off the real axis it oscillates. Points just inside near 1 carry the slow trend that "
             "a forecast needs; points scattered far inside are fast transients or noise.") +
         figure(singular_value_plot(fitted), "singular-values",
                "Singular values of the delay-embedded trajectory. A steep drop means that few modes explain it, which "
                "is good; a flat tail is noise. Dots mark those that were kept.") +
         "</div>\n";
}

std::string counted(std::size_t count, const char* one, const char* many) {
  return count == 1 ? fmt::format("1 {}", one) : fmt::format("{} {}", count, many);
}

// Forecasts that had the same test, and what became of them.
struct Tested {
  std::string test;
  std::size_t made = 0, rejected = 0, worse = 0;  // worse: used, though the last value did better in the test
};

std::vector<Tested> tests_of(const RunRecord& run) {
  std::vector<Tested> all;
  for (const UpdateRecord& update : run.updates) {
    if (!update.forecast_made) continue;
    auto same = std::find_if(all.begin(), all.end(), [&](const Tested& one) { return one.test == update.test; });
    if (same == all.end()) same = all.insert(all.end(), {update.test});
    ++same->made;
    same->rejected += update.fell_back;
    same->worse += !update.fell_back && !update.test.empty() && update.skill > 1;
  }
  return all;
}

std::string fallback_text(const RunRecord& run) {
  const std::vector<Tested> tests = tests_of(run);
  if (tests.empty())
    return "The last value of h in the block is the hypergradient that was used: this estimator makes no forecast.";
  std::string text;
  for (const Tested& one : tests) {
    text += counted(one.made, "forecast was ", "forecasts were ");
    text += one.test.empty() ? "made without a test: there was no room for one in the block."
                             : fmt::format("tested inside the block first, and believed when {}.", xml_text(one.test));
    text += fmt::format(" {} of {} rejected; the value at the block's end was used instead. ", one.rejected, one.made);
    if (one.worse > 0)
      text += fmt::format("{} of the {} used have a skill above 1: they passed, though the last value did better. ",
                          one.worse, one.made - one.rejected);
  }
  const auto last = std::find_if(run.updates.rbegin(), run.updates.rend(), [](auto& u) { return u.forecast_made; });
  if (!last->test.empty() && !last->ended.empty())
    return text + fmt::format("How the last test ended: {}.", xml_text(last->ended));
  text.pop_back();
  return text;
}

// Numbers of every forecast, a column each; those of a kind of model only where one was fitted.
std::vector<std::pair<const char*, double UpdateRecord::*>> columns_of_forecasts(const RunRecord& run) {
  std::vector<std::pair<const char*, double UpdateRecord::*>> columns{
      {"exponent", &UpdateRecord::exponent}, {"rank", &UpdateRecord::rank}, {"delays", &UpdateRecord::delays}};
  std::erase_if(columns, [&](const auto& column) {
    return std::all_of(run.updates.begin(), run.updates.end(), [&](auto& u) { return std::isnan(u.*column.second); });
  });
  columns.insert(columns.end(), {{"residual", &UpdateRecord::residual}, {"skill", &UpdateRecord::skill}});
  return columns;
}

}  // namespace

std::string forecast_section(const RunRecord& run) {
  const std::vector<UpdateRecord> selected = selected_updates(run);
  if (selected.empty()) return "";
  std::string out = "<h2>The hypergradient inside a block, and its forecast</h2>\n<p>" + fallback_text(run) + "</p>\n";
  const std::size_t drawn = run.drawn.size();
  out += "<div class=\"grid three\">\n";
  for (std::size_t k = 0; k < drawn; ++k)
    for (const UpdateRecord& update : selected)
      out += figure(trajectory_plot(run, update, k), fmt::format("trajectory-{}-{}", k, update.index + 1), "");
  out +=
      "</div>\n<p class=\"note\">h is the derivative of the validation loss with respect to the unconstrained "
      "hyperparameter (the logarithm of a learning rate), from the block's start to the step on the axis. A positive "
      "h lowers the hyperparameter. Good: the forecast leaves the block smoothly and settles. Bad: it turns sharply "
      "or runs off.";
  if (drawn < run.components) out += fmt::format(" The first {} of {} components are drawn.", drawn, run.components);
  out += "</p>\n";

  std::vector<UpdateRecord> fitted;
  std::copy_if(selected.begin(), selected.end(), std::back_inserter(fitted), [](const UpdateRecord& update) {
    return !update.eigenvalues.empty() && !update.singular_values.empty();
  });
  return fitted.empty() ? out : out + spectrum_figures(fitted);
}

std::string kept_text(const RunRecord& run) {
  const std::optional<std::size_t> kept = kept_update(run);
  if (!kept || run.kept.empty()) return "";
  std::string text = fmt::format(
      "<p>Kept: {}. Every run from the start is judged by its loss on the same validation images; this one's is {}, "
      "the "
      "lowest. The network and the hyperparameters at the end are its own.",
      xml_text(run.kept), number_text(number_at(run.summary, {"best", "outer"})));
  if (run.judged.size() == run.updates.size() && *kept + 1 < run.updates.size())
    text += fmt::format(
        " The curves show the last training, with the values of update {}, up to the step at which it was judged.",
        run.updates.size() - 1);
  return text + "</p>\n";
}

std::string updates_section(const RunRecord& run) {
  if (run.updates.size() < 2) return "";
  const bool forecasts = std::any_of(run.updates.begin(), run.updates.end(), [](auto& u) { return u.forecast_made; });
  const bool search = is_search(run);
  Table table{{search ? "trial" : "update", "step"}, {}};
  const std::size_t columns = std::min<std::size_t>(run.names.size(), 16);  // of many, the first: a page has an end
  const std::span<const std::string> names = std::span(run.names).first(columns);
  table.head.insert(table.head.end(), names.begin(), names.end());
  for (const std::string& name : names) table.head.push_back((search ? "tried " : "h ") + name);
  table.head.push_back("validation loss");
  const bool notes =
      !forecasts && std::any_of(run.updates.begin(), run.updates.end(), [](auto& u) { return !u.note.empty(); });
  const auto of_forecasts = forecasts ? columns_of_forecasts(run) : decltype(columns_of_forecasts(run)){};
  for (const auto& [name, number] : of_forecasts) table.head.emplace_back(name);
  if (forecasts) table.head.emplace_back("forecast");
  if (notes) table.head.push_back("note");
  const std::optional<std::size_t> kept = kept_update(run);
  for (std::size_t i = 0; i < run.updates.size(); ++i) {
    const UpdateRecord& update = run.updates[i];
    std::vector<std::string> row{update.index < 0 ? "start" : fmt::format("{}", update.index + 1),
                                 fmt::format("{}", update.step)};
    if (kept == i) row.front() += ", kept";
    for (std::size_t k = 0; k < columns; ++k) row.push_back(number_text(update.values.at(k)));
    const std::vector<Spread>& moved_by = search ? update.tried : update.hypergradient;
    for (std::size_t k = 0; k < columns; ++k) row.push_back(k < moved_by.size() ? number_text(moved_by[k]) : "");
    row.push_back(number_text(run.judged.empty() ? update.outer : i < run.judged.size() ? run.judged[i] : NAN));
    for (const auto& [name, number] : of_forecasts) row.push_back(number_text(update.*number));
    if (forecasts) row.push_back(!update.forecast_made ? "" : update.fell_back ? "fell back" : "used");
    if (notes) row.push_back(update.note);
    table.rows.push_back(std::move(row));
  }
  if (search)
    return "<h2>Every trial</h2>\n" + html_of(table) +
           "<p class=\"note\">Each trial trains from the start with the values tried; its validation loss is that of "
           "one "
           "validation batch, the same for all. Values without \"tried\" are the best so far; the last ones were "
           "trained "
           "once more. A trial without a loss diverged.</p>\n";
  std::string out = "<h2>Every outer update</h2>\n" + html_of(table);
  out +=
      run.judged.empty()
          ? "<p class=\"note\">Values are those after the update; the validation loss is that of the block's "
            "validation batch."
          : "<p class=\"note\">Values are those after the update; the validation loss is that of a run from the start "
            "with them, on the same images for all. Where it is no lower than the lowest so far, or the run diverged "
            "and has none, the next update goes back to the lowest with half the meta learning rate.";
  if (forecasts)
    out +=
        " Skill is the forecast's error in its test divided by that of keeping the last value: below 1 the forecast "
        "did better.";
  if (run.components > run.names.size()) out += " Of a vector: the least, the quartiles in brackets, the largest.";
  if (columns < run.names.size())
    out += fmt::format(" The first {} of {} hyperparameters are listed; hparams.jsonl has all.", columns,
                       run.names.size());
  return out + "</p>\n";
}

std::string cost_section(const Json& summary) {
  const double seconds = number_at(summary, {"seconds"}), bytes = number_at(summary, {"peak_bytes"});
  const double expected_seconds = number_at(summary, {"predicted_seconds"});
  const double expected_bytes = number_at(summary, {"predicted_bytes"});
  const auto ratio = [](double a, double b) { return b > 0 && !std::isnan(a) ? fmt::format("{:.2f}", a / b) : ""; };
  const Table table{
      {"", "predicted", "measured", "measured / predicted"},
      {{"time", duration_or_nothing(expected_seconds), duration_or_nothing(seconds), ratio(seconds, expected_seconds)},
       {"of it hypergradients", "", duration_or_nothing(number_at(summary, {"estimate_seconds"})), ""},
       {"peak memory of tensors", size_or_nothing(expected_bytes), size_or_nothing(bytes),
        ratio(bytes, expected_bytes)}}};
  return "<h2>Time and memory</h2>\n" + html_of(table) +
         "<p class=\"note\">The prediction is made before the run from one measured step of each kind. A ratio near 1 "
         "is good; other programs on the machine raise that of time, never that of memory.</p>\n";
}

std::string settings_section(const Json& config, const Json& meta) {
  const auto list = [](const Json& json) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (const auto& [key, value] : json.items()) {
      Json shown = value;
      for (Json& inner : shown)
        if (inner.is_array() && inner.size() > most_in_text) inner = spread_text(spread_in(inner), 4);
      entries.emplace_back(key, value.is_object() ? shown.dump() : text_at(json, key.c_str()));
    }
    return definitions(entries);
  };
  return "<h2>Settings</h2>\n<details><summary>Every setting of the run</summary>\n" + list(config) +
         "</details>\n<details><summary>Program and machine</summary>\n" + list(meta) + "</details>\n";
}

std::string problem_text(const Json& config, const Json& meta) {
  std::string text = text_at(meta, "dataset_title");
  text += fmt::format(" · {} with {} · {} steps of {} images", text_at(config, "model"), text_at(config, "optimizer"),
                      text_at(config, "steps"), text_at(config, "batch"));
  const double parameters = number_at(meta, {"parameters"});
  return std::isnan(parameters) ? text : text + fmt::format(" · {:.0f} parameters", parameters);
}

std::string tiles(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out = "<div class=\"tiles\">\n";
  for (const auto& [number, what] : entries)
    out += fmt::format("<div><b>{}</b><span>{}</span></div>\n", xml_text(number), xml_text(what));
  return out + "</div>\n";
}

}  // namespace glocal::app

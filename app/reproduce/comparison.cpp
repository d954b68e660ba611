#include <glocal/app/reproduce/comparison.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/trial.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/table.h>
#include <glocal/core/error.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

std::string accuracy(const Cell& cell, const train::Score Trial::*score) {
  const Statistic found = cell.over([&](const Trial& trial) { return (trial.*score).accuracy; });
  std::string failed = cell.failed() == 0 ? "" : fmt::format("{} diverged", cell.failed());
  if (found.count == 0) return failed;
  return text(found, 2, 100) + (failed.empty() ? "" : ", " + failed);
}

std::string outcome(const Trial& trial, const std::vector<std::string>& names) {
  if (!trial.ok()) return trial.failure;
  std::string line = fmt::format("test accuracy {:.2f} %", 100 * trial.test.accuracy);
  for (std::size_t i = 0; i < names.size() && i < 6; ++i) line += fmt::format(", {} {:.3g}", names[i], trial.values[i]);
  if (trial.best) line += ", " + hpo::text(*trial.best);
  return line;
}

// Every seed a dot, their mean a cross; the ways from the top.
Plot accuracies(const std::vector<Cell>& ways) {
  Plot plot{ways.front().what.label, {"test accuracy, %"}, {}, {}};
  double low = 100, high = 0;
  for (std::size_t k = 0; k < ways.size(); ++k) {
    const double at = static_cast<double>(k);
    Series dots{"", paint_of(ways[k].way.estimator), Series::Style::dots, {}};
    for (const Trial& trial : ways[k].trials) {
      if (!trial.ok()) continue;
      const double percent = 100 * trial.test.accuracy;
      dots.points.push_back({percent, at});
      low = std::min(low, percent);
      high = std::max(high, percent);
    }
    const double mean = 100 * ways[k].over([](const Trial& trial) { return trial.test.accuracy; }).mean;
    if (!dots.points.empty()) plot.series.push_back({"", Paint::ink, Series::Style::crosses, {{mean, at}}});
    plot.series.push_back(std::move(dots));
    plot.categories.push_back(ways[k].way.label);
  }
  if (low <= high) plot.x.range = {low - 0.05 * (high - low) - 0.1, high + 0.05 * (high - low) + 0.1};
  return plot;
}

}  // namespace

Json joined(Json changes, const Json& more) {
  for (const auto& [key, value] : more.items())
    changes[key] = value.is_object() && changes.contains(key) ? joined(changes[key], value) : value;
  return changes;
}

std::vector<Variant> variants(const Lab& lab, const char* key) {
  std::vector<Variant> out;
  for (const Json& each : lab.sweep<std::vector<Json>>(key)) {
    if (each.is_string()) {
      out.push_back({each.get<std::string>(), Json::object(), each.get<std::string>()});
      continue;
    }
    if (!each.is_object() || !each.contains("label"))
      fail<ValueError>("[reproduce] {}: {} is neither a name nor an object with a label", key, each.dump());
    out.push_back({each.at("label").get<std::string>(), each.value("changes", Json::object()),
                   each.value("estimator", std::string())});
  }
  if (out.empty()) fail<ValueError>("[reproduce] {} is empty", key);
  return out;
}

Statistic Cell::over(const std::function<double(const Trial&)>& number) const {
  std::vector<double> numbers;
  for (const Trial& trial : trials)
    if (trial.ok()) numbers.push_back(number(trial));
  return statistic(numbers);
}

std::int64_t Cell::failed() const {
  return std::ranges::count_if(trials, [](const Trial& trial) { return !trial.ok(); });
}

std::vector<Cell> compare_all(const Lab& lab, const std::vector<Variant>& cases, const std::vector<Variant>& ways) {
  std::vector<Cell> cells;
  for (const Variant& what : cases)
    for (const Variant& way : ways) cells.push_back({what, way, {}});
  for (const std::uint64_t seed : lab.seeds())
    for (std::size_t i = 0; i < cases.size(); ++i) {
      std::optional<train::Experiment> shared;  // by the ways that change nothing
      for (std::size_t k = 0; k < ways.size(); ++k) {
        Json changes = joined(cases[i].changes, ways[k].changes);
        changes["seed"] = seed;
        const Options options = lab.options(changes);
        const bool own = !ways[k].changes.empty();
        if (!own && !shared) shared.emplace(options.experiment);
        const train::Experiment experiment = own ? train::Experiment(options.experiment) : *shared;
        Trial trial = run_trial(experiment, options, ways[k].estimator);
        lab.say(fmt::format("{}, {}, seed {}: {}", cases[i].label, ways[k].label, seed,
                            outcome(trial, experiment.space().component_names())));
        cells[i * ways.size() + k].trials.push_back(std::move(trial));
      }
    }
  return cells;
}

Json cell_rows(const std::vector<Cell>& cells) {
  Json rows = Json::array();
  for (const Cell& cell : cells) {
    const auto pair = [&](const std::function<double(const Trial&)>& number) -> Json {
      const Statistic found = cell.over(number);
      if (found.count == 0) return nullptr;
      return {found.mean, found.sd};
    };
    Json values = Json::array(), seconds = Json::array();
    Json kept = Json::array();
    std::int64_t updates = 0, fell_back = 0;
    for (const Trial& trial : cell.trials) {
      if (trial.best) kept.push_back(trial.best->update);
      updates += std::ssize(trial.moves);
      fell_back += std::ranges::count_if(trial.moves, [](const Move& move) { return move.fell_back; });
      if (trial.ok()) values.push_back(trial.values);
      seconds.push_back(trial.seconds);
    }
    rows.push_back({{"case", cell.what.label},
                    {"way", cell.way.label},
                    {"seeds", cell.trials.size()},
                    {"diverged", cell.failed()},
                    {"validation_loss", pair([](const Trial& t) { return t.validation.loss; })},
                    {"validation_accuracy", pair([](const Trial& t) { return t.validation.accuracy; })},
                    {"test_loss", pair([](const Trial& t) { return t.test.loss; })},
                    {"test_accuracy", pair([](const Trial& t) { return t.test.accuracy; })},
                    {"values", std::move(values)},
                    {"updates", updates},
                    {"fell_back", fell_back},
                    {"kept", std::move(kept)},
                    {"gradients", pair([](const Trial& t) { return t.gradients; })},
                    {"peak_bytes", pair([](const Trial& t) { return static_cast<double>(t.peak_bytes); })},
                    {"seconds", std::move(seconds)}});
  }
  return rows;
}

TitledTable grid(const std::string& title, const std::string& corner, const std::vector<Cell>& cells, std::size_t ways,
                 const std::function<std::string(const Cell&)>& text_of) {
  TitledTable table{title, {{corner}}};
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i < ways) table.rows.front().push_back(cells[i].way.label);
    if (i % ways == 0) table.rows.push_back({cells[i].what.label});
    table.rows.back().push_back(text_of(cells[i]));
  }
  return table;
}

std::string test_accuracy(const Cell& cell) { return accuracy(cell, &Trial::test); }
std::string validation_accuracy(const Cell& cell) { return accuracy(cell, &Trial::validation); }

std::string final_values(const Cell& cell) {
  const auto ended = std::ranges::find_if(cell.trials, [](const Trial& trial) { return trial.ok(); });
  if (ended == cell.trials.end()) return "-";
  std::vector<double> means;
  for (std::size_t i = 0; i < ended->values.size(); ++i)
    means.push_back(cell.over([i](const Trial& t) { return t.values[i]; }).mean);
  constexpr std::size_t most = 4;
  if (means.size() <= most) return fmt::format("{:.2g}", fmt::join(means, ", "));
  const auto [low, high] = std::ranges::minmax(means);
  return fmt::format("{} numbers, {:.2g} to {:.2g}", means.size(), low, high);
}

std::string price(const Cell& cell) {
  const Statistic gradients = cell.over([](const Trial& trial) { return trial.gradients; });
  const double bytes = cell.over([](const Trial& trial) { return static_cast<double>(trial.peak_bytes); }).mean;
  return gradients.count == 0 ? "-" : fmt::format("{:.0f}, {:.3g} MB", gradients.mean, 1e-6 * bytes);
}

TitledTable transposed(const TitledTable& table) {
  TitledTable out{table.title, {}};
  for (std::size_t i = 0; i < table.rows.front().size(); ++i) {
    out.rows.emplace_back();
    for (const auto& row : table.rows) out.rows.back().push_back(row[i]);
  }
  return out;
}

Findings comparison(const Lab& lab) {
  const std::vector<Variant> ways = variants(lab, "ways");
  const std::vector<Cell> cells = compare_all(lab, variants(lab, "cases"), ways);
  const auto table = [&](const char* title, const auto& text_of) {
    return transposed(grid(title, "", cells, ways.size(), text_of));
  };
  Findings findings{cell_rows(cells),
                    {table("Test accuracy in %, mean ± deviation", test_accuracy),
                     table("Validation accuracy in %, mean ± deviation", validation_accuracy),
                     table("Hyperparameters at the end, mean", final_values), table(price_title, price)},
                    {}};
  for (std::size_t begin = 0; begin < cells.size(); begin += ways.size())
    findings.plots.push_back(accuracies({cells.begin() + static_cast<std::ptrdiff_t>(begin),
                                         cells.begin() + static_cast<std::ptrdiff_t>(begin + ways.size())}));
  return findings;
}

}  // namespace glocal::app

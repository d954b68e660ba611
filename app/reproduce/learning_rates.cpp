// From which initial learning rates does tuning recover?
#include <fmt/core.h>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/app/reproduce/comparison.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/app/reproduce/trial.h>
#include <glocal/app/terminal/table.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_learning_rates;
}

namespace glocal::app {
namespace {

Findings run(const Lab& lab) {
  const auto rates = lab.sweep<std::vector<double>>("lr");
  const std::vector<Variant> ways = variants(lab, "estimators");
  std::vector<Variant> starts;
  for (const double lr : rates) starts.push_back({fmt::format("{:g}", lr), {{"hyper", {{"lr", lr}}}}});
  const std::vector<Cell> cells = compare_all(lab, starts, ways);

  Plot picture{"Test error after training", {"initial learning rate", true}, {"test error, %", true}, {}};
  for (const Variant& way : ways)
    picture.series.push_back({way.label, paint_of(way.estimator), Series::Style::line, {}});
  Plot path{"The learning rate on its way (first seed)", {"step of training"}, {"learning rate", true}, {}};
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Cell& cell = cells[i];
    const double lr = rates[i / ways.size()];
    if (const Statistic test = cell.over([](const Trial& t) { return t.test.accuracy; }); test.count > 0)
      picture.series[i % ways.size()].points.push_back({lr, 100 - 100 * test.mean});
    const std::vector<Move>& moves = cell.trials.front().moves;
    if (moves.empty() || moves.back().t == 0) continue;
    const bool named = path.series.size() < ways.size() && i < ways.size();
    Series series{named ? cell.way.label : "", paint_of(cell.way.estimator), Series::Style::line, {{0, lr}}};
    for (const Move& move : moves) series.points.push_back({static_cast<double>(move.t), move.values.front()});
    path.series.push_back(std::move(series));
  }
  const auto table = [&](const char* title, const auto& text_of) {
    return grid(title, "initial lr", cells, ways.size(), text_of);
  };
  return {cell_rows(cells),
          {table("Test accuracy in %, mean ± deviation over the seeds that came to their end", test_accuracy),
           table("Learning rate at the end, mean", final_values), table(price_title, price)},
          {picture, path}};
}

}  // namespace

Study learning_rates() { return study_of("learning-rates", embedded::reproduce_learning_rates, run); }

}  // namespace glocal::app

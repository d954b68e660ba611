// How noisy may it be? The hypergradient's spread over batch orders and validation batches, and what tuning makes of
// it.
#include <fmt/core.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/app/reproduce/comparison.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/app/terminal/table.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/train/experiment.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_noise;
}

namespace glocal::app {
namespace {

// dE/d log lr of blocks from the same state, one a repeat.
struct Spread {
  Statistic local, glocal;
  std::int64_t fell_back = 0;
};

// Where every spread is taken: the state after `steps` steps with the settings as they are.
Vars warmed_up(const Lab& lab, std::int64_t steps) {
  const train::Experiment experiment(lab.options().experiment);
  const Vars phi = experiment.phi();
  Vars s = experiment.problem().init(phi);
  for (std::int64_t t = 0; t < steps; ++t) {
    throw_if_interrupted();
    s = experiment.problem().step(s, phi, t);
  }
  return s;
}

// Repeat r takes other training batches (order) or another validation batch (not order).
Spread spread(const train::Experiment& experiment, const Options& options, const Vars& start, std::int64_t warm_up,
              std::int64_t repeats, bool order) {
  const hpo::FlatProblem& whole = experiment.problem();
  const Vars phi = experiment.phi();
  const std::int64_t tau = options.tuning.estimator_options.tau;
  std::vector<double> local, glocal;
  Spread found;
  for (std::int64_t r = 0; r < repeats; ++r) {
    throw_if_interrupted();
    hpo::FlatProblem problem = whole;
    const std::int64_t moved = order ? warm_up + r * tau : warm_up, block = order ? 0 : r;
    problem.step = [&](const Vars& s, const Vars& h, std::int64_t t) { return whole.step(s, h, moved + t); };
    problem.outer = [&](const Vars& s, const Vars& h, std::int64_t) { return whole.outer(s, h, block); };
    const hpo::ForwardRun run = hpo::run_forward(problem, start, hpo::zero_tangents(hpo::components(phi), start.size()),
                                                 phi, 0, tau, /*trajectory=*/true);
    const hpo::Forecast forecast = hpo::glocal_forecast(run.trajectory, run.outers, warm_up, options.tuning.T - warm_up,
                                                        options.tuning.estimator_options);
    local.push_back(run.h.front());
    glocal.push_back(forecast.value.front());
    found.fell_back += forecast.fell_back;
  }
  found.local = statistic(local);
  found.glocal = statistic(glocal);
  return found;
}

void add_spreads(const Lab& lab, bool order, Findings& findings) {
  const char *key = order ? "batch" : "val_batch", *what = order ? "batch size" : "validation batch";
  const auto warm_up = lab.sweep<std::int64_t>("warm_up"), repeats = lab.sweep<std::int64_t>("repeats");
  if (warm_up < 0 || repeats < 2 || warm_up + lab.options().tuning.estimator_options.tau > lab.options().tuning.T)
    fail<ValueError>(
        "[reproduce] noise: warm_up = {} and a block must end before the {} steps, repeats = {} be 2 or more", warm_up,
        lab.options().tuning.T, repeats);
  const Vars start = warmed_up(lab, warm_up);
  TitledTable table{fmt::format("dE/d log lr from one state, mean ± deviation over {} {}", repeats,
                                order ? "batch orders, same validation batch" : "validation batches, same batch order"),
                    {{what, "local", "deviation / mean", "glocal", "deviation / mean", "fell back"}}};
  Plot plot{fmt::format("Deviation of dE/d log lr against the {}", what), {what, true}, {"deviation", true}, {}};
  plot.series = {{"local", paint_of("local"), Series::Style::line, {}},
                 {"glocal", paint_of("glocal"), Series::Style::line, {}}};
  for (const std::int64_t size : lab.sweep<std::vector<std::int64_t>>(key)) {
    const Options options = lab.options({{key, size}});
    const Spread found = spread(train::Experiment(options.experiment), options, start, warm_up, repeats, order);
    const auto ratio = [](const Statistic& s) { return s.sd / std::abs(s.mean); };
    findings.rows.push_back({{"varied", order ? "batch order" : "validation batch"},
                             {key, size},
                             {"local", {found.local.mean, found.local.sd}},
                             {"glocal", {found.glocal.mean, found.glocal.sd}},
                             {"fell_back", found.fell_back},
                             {"repeats", repeats}});
    table.rows.push_back({fmt::format("{}", size), text(found.local, 4), fmt::format("{:.2f}", ratio(found.local)),
                          text(found.glocal, 4), fmt::format("{:.2f}", ratio(found.glocal)),
                          fmt::format("{} of {}", found.fell_back, repeats)});
    plot.series[0].points.push_back({static_cast<double>(size), found.local.sd});
    plot.series[1].points.push_back({static_cast<double>(size), found.glocal.sd});
    lab.say(fmt::format("{} {}: local {}, glocal {}", what, size, text(found.local, 4), text(found.glocal, 4)));
  }
  findings.tables.push_back(std::move(table));
  findings.plots.push_back(std::move(plot));
}

Findings run(const Lab& lab) {
  Findings findings;
  add_spreads(lab, /*order=*/true, findings);
  add_spreads(lab, /*order=*/false, findings);
  std::vector<Variant> cases;
  for (const auto size : lab.sweep<std::vector<std::int64_t>>("outcome_batch"))
    cases.push_back({fmt::format("batch {}", size), {{"batch", size}}});
  for (const auto size : lab.sweep<std::vector<std::int64_t>>("outcome_val_batch"))
    cases.push_back({fmt::format("validation batch {}", size), {{"val_batch", size}}});
  const std::vector<Variant> ways = variants(lab, "ways");
  const std::vector<Cell> cells = compare_all(lab, cases, ways);
  for (const Json& row : cell_rows(cells)) findings.rows.push_back(row);
  findings.tables.push_back(
      grid("Test accuracy in % after tuning, mean ± deviation", "", cells, ways.size(), test_accuracy));
  findings.tables.push_back(grid("lr, momentum, weight decay at the end, mean", "", cells, ways.size(), final_values));
  return findings;
}

}  // namespace

Study noise() { return study_of("noise", embedded::reproduce_noise, run); }

}  // namespace glocal::app

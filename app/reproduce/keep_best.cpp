// Is the last update the best, and does it pay to go back to the best? Every update taken as it comes, against
// hpo::tune, which goes back with half the meta lr where E rose; both may end with the best run they judged.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/app/reproduce/comparison.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/app/terminal/table.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/datasets/dataset.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_keep_best;
}

namespace glocal::app {
namespace {

using datasets::Part;

struct End {
  train::Score validation, test;
  double update = 0;
};

// One way in one case, an End per seed; NaN where the run left the finite numbers.
struct Way {
  std::string label;
  Paint paint;
  std::vector<End> ends = {};

  Statistic over(double train::Score::*number, train::Score End::*part) const {
    std::vector<double> numbers;
    for (const End& end : ends)
      if (std::isfinite(end.validation.loss)) numbers.push_back(end.*part.*number);
    return statistic(numbers);
  }
};

End end_of(const train::Experiment& experiment, const Vars& s, double update) {
  return {experiment.evaluate(s, Part::validation, throw_if_interrupted),
          experiment.evaluate(s, Part::test, throw_if_interrupted), update};
}

// As many runs, judged alike, but each update is made from the point that the one before it reached.
std::pair<End, End> last_and_best(const train::Experiment& experiment, const hpo::FlatProblem& problem,
                                  const Options& options) {
  const hpo::TuneOptions& tuning = options.tuning;
  const auto estimator = hpo::make_estimator("global", tuning.estimator_options);
  hpo::TuneState state = hpo::start_of_run(problem, experiment.phi(), tuning.T, tuning.meta);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  End last{{nan, nan}, {nan, nan}, static_cast<double>(tuning.updates)}, best = last;
  double least = std::numeric_limits<double>::infinity();
  const auto judge = [&](double E, const Vars& s, std::int64_t update) {
    if (!(E < least)) return;
    least = E;
    best = end_of(experiment, s, static_cast<double>(update));
  };
  try {
    for (std::int64_t update = 0; update < tuning.updates; ++update) {
      const hpo::Estimate estimate = estimator->advance(problem, state.phi, state.progress);
      judge(estimate.outer, estimate.s, update);
      state.u = state.meta.step(std::move(state.u), estimate.h);
      state.phi = hpo::to_leaves(state.u, state.phi);
    }
    const Vars s = hpo::train(problem, state.phi, tuning.T).s;
    judge(problem.outer(s, state.phi, 0).item(), s, tuning.updates);
    last = end_of(experiment, s, last.update);
  } catch (const DivergedError&) {
  } catch (const NumericError&) {
  }
  return {last, best};
}

std::string text_of(const Way& way) {
  const std::string accuracy = text(way.over(&train::Score::accuracy, &End::test), 1, 100);
  const std::size_t ended = way.over(&train::Score::loss, &End::validation).count;
  return fmt::format("{} ({} %){}", text(way.over(&train::Score::loss, &End::validation), 3), accuracy,
                     ended == way.ends.size() ? "" : fmt::format(", {} diverged", way.ends.size() - ended));
}

// The worst seed's validation loss over that of its start.
double worst(const Way& way, const Way& start) {
  double ratio = 0;
  for (std::size_t i = 0; i < way.ends.size(); ++i) {
    const double each = way.ends[i].validation.loss / start.ends[i].validation.loss;
    ratio = std::isfinite(each) ? std::max(ratio, each) : std::numeric_limits<double>::infinity();
    if (std::isinf(ratio)) break;
  }
  return ratio;
}

Json row_of(const std::string& label, const Way& way, const Way& start) {
  Json losses = Json::array(), accuracies = Json::array(), updates = Json::array();
  for (const End& end : way.ends) {
    losses.push_back(end.validation.loss);
    accuracies.push_back(end.test.accuracy);
    updates.push_back(end.update);
  }
  return {{"case", label},
          {"way", way.label},
          {"validation_loss", losses},
          {"test_accuracy", accuracies},
          {"update", updates},
          {"worst_over_start", worst(way, start)}};
}

std::vector<Way> run_case(const Lab& lab, const Variant& what) {
  std::vector<Way> ways{{"start", Paint::grey},
                        {"last update", Paint::vermillion},
                        {"best of the same runs", Paint::sky},
                        {"back to the best", Paint::blue}};
  for (const std::uint64_t seed : lab.seeds()) {
    Json changes = what.changes;
    changes["seed"] = seed;
    const Options options = lab.options(changes);
    const train::Experiment experiment(options.experiment);
    hpo::FlatProblem problem = experiment.problem();
    problem.watch = [](const Vars& s, std::int64_t t) {
      throw_if_interrupted();
      if (!std::isfinite(train::Experiment::training_loss(s)))
        fail<DivergedError>("[keep-best] the training loss of step {} is not finite", t + 1);
    };
    ways[0].ends.push_back(end_of(experiment, hpo::train(problem, experiment.phi(), options.tuning.T).s, 0));
    const auto [last, best] = last_and_best(experiment, problem, options);
    ways[1].ends.push_back(last);
    ways[2].ends.push_back(best);
    hpo::TuneOptions tuning = options.tuning;
    tuning.estimator = "global";
    const hpo::TuneResult kept = hpo::tune(problem, experiment.phi(), tuning);
    ways[3].ends.push_back(end_of(experiment, kept.s, static_cast<double>(kept.best->update)));
    std::string line = fmt::format("{}, seed {}, validation loss:", what.label, seed);
    for (const Way& way : ways) line += fmt::format(" {} {:.3f}", way.label, way.ends.back().validation.loss);
    lab.say(line + ", " + hpo::text(*kept.best));
  }
  return ways;
}

Findings run(const Lab& lab) {
  Findings findings;
  TitledTable means{"Validation loss, mean ± deviation (test accuracy)", {{""}}};
  TitledTable worsts{"The worst seed: its validation loss over that of its start", {{""}}};
  Plot plot{"Validation loss over that of the start", {"1: no better than the start"}, {}, {}};
  for (const Variant& what : variants(lab, "cases")) {
    const std::vector<Way> ways = run_case(lab, what);
    const double at = static_cast<double>(plot.categories.size()),
                 start = ways[0].over(&train::Score::loss, &End::validation).mean;
    plot.categories.push_back(what.label);
    means.rows.push_back({what.label});
    worsts.rows.push_back({what.label});
    for (std::size_t k = 0; k < ways.size(); ++k) {
      const Way& way = ways[k];
      findings.rows.push_back(row_of(what.label, way, ways[0]));
      means.rows.back().push_back(text_of(way));
      if (means.rows.size() == 2) means.rows.front().push_back(way.label);
      if (k == 0) continue;
      worsts.rows.back().push_back(fmt::format("{:.2f}", worst(way, ways[0])));
      if (worsts.rows.size() == 2) worsts.rows.front().push_back(way.label);
      if (plot.series.size() < k) plot.series.push_back({way.label, way.paint, Series::Style::dots, {}});
      const Statistic loss = way.over(&train::Score::loss, &End::validation);
      if (loss.count > 0) plot.series[k - 1].points.push_back({loss.mean / start, at});
    }
  }
  findings.tables = {std::move(means), std::move(worsts)};
  findings.plots = {std::move(plot)};
  return findings;
}

}  // namespace

Study keep_best() { return study_of("keep-best", embedded::reproduce_keep_best, run); }

}  // namespace glocal::app

// The bias of a short horizon: the best rate for a look ahead of a block, in the middle of a run, against the best for
// all that is left of it; and the best rate of a run's first steps against that of a short run under the same schedule.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/app/terminal/table.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/space.h>
#include <glocal/train/experiment.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_horizon;
}

namespace glocal::app {
namespace {

using Share = std::function<double(std::int64_t k)>;  // of the rate, in the k-th step from here on

// A run whose rate is what one likes in every step.
class Course {
 public:
  Course(const train::Experiment& experiment, std::int64_t batches)
      : experiment_(experiment), problem_(experiment.problem()), batches_(batches) {}

  Vars start() const { return problem_.init(experiment_.phi()); }
  // n steps from step t on; `each` sees every state.
  Vars go_on(
      Vars s, std::int64_t t, std::int64_t n, double lr, const Share& share,
      const std::function<void(std::int64_t k, const Vars&)>& each = [](std::int64_t, const Vars&) {}) const {
    for (std::int64_t k = 0; k < n; ++k) {
      throw_if_interrupted();
      s = problem_.step(s, hpo::to_leaves({std::log(lr * share(k))}, experiment_.phi()), t + k);
      each(k, s);
    }
    return s;
  }
  double E(const Vars& s) const {
    double sum = 0;
    for (std::int64_t block = 0; block < batches_; ++block) sum += problem_.outer(s, experiment_.phi(), block).item();
    const double mean = sum / static_cast<double>(batches_);
    return std::isfinite(mean) ? mean : std::numeric_limits<double>::infinity();
  }

 private:
  const train::Experiment& experiment_;
  const hpo::FlatProblem& problem_;
  std::int64_t batches_;
};

Share constant() {
  return [](std::int64_t) { return 1.0; };
}
// From 1 in a line to 0 after the n-th step, as the schedule linear has it.
Share falling(std::int64_t n) {
  return [n](std::int64_t k) { return 1 - static_cast<double>(k) / static_cast<double>(n); };
}

// ln of the rate with the least E, by a parabola in ln E through the least on the grid and its neighbours.
double best_of(const std::vector<double>& rates, const std::vector<double>& losses) {
  const auto i = static_cast<std::size_t>(std::ranges::min_element(losses) - losses.begin());
  const double at = std::log(rates[i]);
  if (i == 0 || i + 1 == rates.size() || !std::isfinite(losses[i - 1]) || !std::isfinite(losses[i + 1])) return at;
  const double low = std::log(losses[i - 1]), mid = std::log(losses[i]), high = std::log(losses[i + 1]);
  const double bend = low - 2 * mid + high;
  return bend > 0 ? at + std::log(rates[i + 1] / rates[i]) * (low - high) / (2 * bend) : at;
}

// What can be looked at in the middle of a run, and what is right there.
constexpr std::array<const char*, 5> looks{"E after a block", "E of its averaged weights", "E of a copy that decays",
                                           "right, if the rate stays", "right, if it falls in a line"};
constexpr std::array<Paint, 5> look_paints{Paint::vermillion, Paint::olive, Paint::purple, Paint::grey, Paint::ink};

std::array<double, 5> losses_at(const Course& course, const Vars& s, std::int64_t t, double lr, std::int64_t tau,
                                std::int64_t averaged, std::int64_t T) {
  Vars sum;
  const Vars block = course.go_on(s, t, tau, lr, constant(), [&](std::int64_t k, const Vars& state) {
    if (k < tau - averaged) return;
    if (sum.empty())
      sum = state;
    else
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = sum[i] + state[i];
  });
  for (Var& leaf : sum) leaf = leaf / static_cast<double>(averaged);
  return {course.E(block), course.E(sum), course.E(course.go_on(block, t + tau, tau, lr, falling(tau))),
          course.E(course.go_on(s, t, T - t, lr, constant())), course.E(course.go_on(s, t, T - t, lr, falling(T - t)))};
}

std::vector<double> grid_of(const Json& range) {
  const double least = range.at("least").get<double>(), most = range.at("most").get<double>(),
               each = range.at("per_decade").get<double>();
  std::vector<double> rates;
  for (int i = 0; least * std::pow(10, i / each) <= most * 1.001; ++i) rates.push_back(least * std::pow(10, i / each));
  return rates;
}

double geometric(const std::vector<double>& logs) { return std::exp(statistic(logs).mean); }

// Of a straight line through (x, y).
double slope(const std::vector<std::array<double, 2>>& points) {
  double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(points.size());
  for (const auto& [a, b] : points) x += a / n, y += b / n;
  for (const auto& [a, b] : points) xx += (a - x) * (a - x), xy += (a - x) * (b - y);
  return xy / xx;
}

Findings run(const Lab& lab) {
  const std::vector<double> rates = grid_of(lab.sweep<Json>("rates"));
  const auto at = lab.sweep<std::vector<std::int64_t>>("at"), lengths = lab.sweep<std::vector<std::int64_t>>("lengths");
  const auto averaged = lab.sweep<std::int64_t>("averaged"), batches = lab.sweep<std::int64_t>("validation_batches");
  const Options settings = lab.options();
  const std::int64_t T = settings.tuning.T, tau = settings.tuning.estimator_options.tau;

  // ln of the best rate: of each t and look, and of each length cut or compressed; a number a seed.
  std::vector<std::array<std::vector<double>, 5>> best_at(at.size());
  std::vector<std::array<std::vector<double>, 2>> best_of_length(lengths.size());
  for (const std::uint64_t seed : lab.seeds()) {
    const Options options = lab.options({{"seed", seed}});
    const train::Experiment experiment(options.experiment);
    const Course course(experiment, batches);
    const double lr = experiment.hyper().at("lr").numbers[0];
    Vars s = course.start();
    std::int64_t t = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      s = course.go_on(std::move(s), t, at[i] - t, lr, constant());
      t = at[i];
      std::array<std::vector<double>, 5> losses;
      for (const double rate : rates) {
        const std::array<double, 5> found = losses_at(course, s, t, rate, tau, averaged, T);
        for (std::size_t k = 0; k < looks.size(); ++k) losses[k].push_back(found[k]);
      }
      for (std::size_t k = 0; k < looks.size(); ++k) best_at[i][k].push_back(best_of(rates, losses[k]));
      lab.say(fmt::format("seed {}, step {}: a block wants {:.2g}, right is {:.2g}", seed, t,
                          std::exp(best_at[i].front().back()), std::exp(best_at[i].back().back())));
    }
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      std::array<std::vector<double>, 2> losses;
      for (const double rate : rates) {
        losses[0].push_back(course.E(course.go_on(course.start(), 0, lengths[i], rate, falling(T))));
        losses[1].push_back(course.E(course.go_on(course.start(), 0, lengths[i], rate, falling(lengths[i]))));
      }
      for (std::size_t k = 0; k < losses.size(); ++k) best_of_length[i][k].push_back(best_of(rates, losses[k]));
      lab.say(fmt::format("seed {}, {} steps: cut off {:.2g}, compressed {:.2g}", seed, lengths[i],
                          std::exp(best_of_length[i][0].back()), std::exp(best_of_length[i][1].back())));
    }
  }

  Findings findings;
  TitledTable middle{fmt::format("Best rate from step t on, of a run at {:g} until there ({} seeds)",
                                 settings.experiment.hyper.at("lr").numbers[0], lab.seeds().size()),
                     {{"t"}}};
  Plot picture{"The best rate from the middle of a run", {"step"}, {"learning rate", true}, {}};
  for (std::size_t k = 0; k < looks.size(); ++k) {
    middle.rows.front().emplace_back(looks[k]);
    picture.series.push_back({looks[k], look_paints[k], k < 3 ? Series::Style::line : Series::Style::dashed, {}});
  }
  for (std::size_t i = 0; i < at.size(); ++i) {
    middle.rows.push_back({fmt::format("{}", at[i])});
    Json row{{"t", at[i]}};
    for (std::size_t k = 0; k < looks.size(); ++k) {
      const double rate = geometric(best_at[i][k]);
      middle.rows.back().push_back(fmt::format("{:.2g}", rate));
      picture.series[k].points.push_back({static_cast<double>(at[i]), rate});
      row[looks[k]] = best_at[i][k];
    }
    findings.rows.push_back(std::move(row));
  }
  TitledTable short_runs{"Best rate of n steps from the start, and the law from there to the whole run",
                         {{"n", "the first n of the schedule", "the schedule in n steps", "of it, by (n / T)^(1/6)"}}};
  Plot law{"The best rate of n steps from the start", {"steps", true}, {"learning rate", true}, {}};
  law.series = {{"cut off", Paint::vermillion, Series::Style::line, {}},
                {"compressed", Paint::blue, Series::Style::line, {}}};
  std::vector<std::array<double, 2>> logs;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const auto n = static_cast<double>(lengths[i]);
    const double cut = geometric(best_of_length[i][0]), compressed = geometric(best_of_length[i][1]);
    short_runs.rows.push_back({fmt::format("{}", lengths[i]), fmt::format("{:.2g}", cut),
                               fmt::format("{:.2g}", compressed),
                               fmt::format("{:.2g}", compressed * std::pow(n / static_cast<double>(T), 1.0 / 6))});
    law.series[0].points.push_back({n, cut});
    law.series[1].points.push_back({n, compressed});
    logs.push_back({std::log(n), std::log(compressed)});
    findings.rows.push_back({{"n", lengths[i]}, {"cut", best_of_length[i][0]}, {"compressed", best_of_length[i][1]}});
  }
  short_runs.title += fmt::format(" (measured: the best rate goes as n^{:.2f})", slope(logs));
  findings.tables = {std::move(middle), std::move(short_runs)};
  findings.plots = {std::move(picture), std::move(law)};
  return findings;
}

}  // namespace

Study horizon() { return study_of("horizon", embedded::reproduce_horizon, run); }

}  // namespace glocal::app

// Does training's change of regime break the forecast? Blocks begun at several steps of one run, each against the exact
// hypergradient from the same start.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/app/terminal/table.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/train/experiment.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_regime;
}

namespace glocal::app {
namespace {

double median(std::vector<double> numbers) {
  std::ranges::sort(numbers);
  const std::size_t n = numbers.size();
  return n % 2 ? numbers[n / 2] : (numbers[n / 2 - 1] + numbers[n / 2]) / 2;
}

// Median over the components of |estimate - exact| / |exact|.
double error_of(const std::vector<double>& estimate, const std::vector<double>& exact) {
  std::vector<double> errors;
  for (std::size_t k = 0; k < exact.size(); ++k)
    errors.push_back(std::abs(estimate[k] - exact[k]) / std::abs(exact[k]));
  return median(errors);
}

// The published recipe: modes at 1 alone go forward, no trust test.
std::vector<double> published(const Tensor& block, std::int64_t horizon) {
  hpo::DmdOptions options;
  options.policy = hpo::DmdOptions::Policy::unit;
  return hpo::fit_dmd(block, options).forecast(static_cast<double>(horizon - 1));
}

Findings run(const Lab& lab) {
  const auto horizon = lab.sweep<std::int64_t>("horizon");
  const auto starts = lab.sweep<std::vector<std::int64_t>>("start");
  const std::int64_t tau = lab.options().tuning.estimator_options.tau;
  if (horizon <= tau) fail<ValueError>("[reproduce] regime: horizon = {} must be above the block of {}", horizon, tau);
  if (starts.empty() || !std::ranges::is_sorted(starts) || starts.front() < 0)
    fail<ValueError>("[reproduce] regime: the starts must be steps in ascending order");
  Findings findings;
  TitledTable table{
      fmt::format("Relative error (median of three components) of the forecast from {} steps to {} steps after "
                  "the start, and the exact hypergradient",
                  tau, horizon),
      {{"lr, start", "loss at the start", "h_tau", "published recipe", "glocal", "fell back", "dE/d log lr after tau",
        "after the horizon"}}};
  for (const double lr : lab.sweep<std::vector<double>>("lr")) {
    const Options options = lab.options({{"hyper", {{"lr", lr}}}, {"steps", starts.back() + horizon}});
    const train::Experiment experiment(options.experiment);
    const Vars phi = experiment.phi();
    const auto& whole = experiment.problem();
    hpo::FlatProblem problem = whole;
    problem.watch = [](const Vars&, std::int64_t) { throw_if_interrupted(); };
    Plot plot{fmt::format("Error along training, lr {:g}", lr),
              {"step at which the block began"},
              {"relative error", true},
              {}};
    plot.series = {{"h_tau", paint_of("local"), Series::Style::line, {}},
                   {"published recipe", Paint::grey, Series::Style::dashed, {}},
                   {"glocal", paint_of("glocal"), Series::Style::line, {}}};
    Vars s = problem.init(phi);
    std::int64_t t = 0;
    for (const std::int64_t start : starts) {
      for (; t < start; ++t) {
        throw_if_interrupted();
        s = problem.step(s, phi, t);
      }
      problem.outer = [&](const Vars& state, const Vars& h, std::int64_t) { return whole.outer(state, h, start); };
      const hpo::Tangents zero = hpo::zero_tangents(hpo::components(phi), s.size());
      const hpo::ForwardRun block = hpo::run_forward(problem, s, zero, phi, start, tau, /*trajectory=*/true);
      const hpo::ForwardRun rest =
          hpo::run_forward(problem, block.s, block.z, phi, start + tau, horizon - tau, /*trajectory=*/false);
      const hpo::Forecast forecast =
          hpo::glocal_forecast(block.trajectory, block.outers, start, horizon, options.tuning.estimator_options);
      const std::array errors{error_of(block.h, rest.h), error_of(published(block.trajectory, horizon), rest.h),
                              error_of(forecast.value, rest.h)};
      const double loss = start == 0 ? NAN : train::Experiment::training_loss(s);
      findings.rows.push_back({{"lr", lr},
                               {"start", start},
                               {"training_loss", loss},
                               {"error_h_tau", errors[0]},
                               {"error_published", errors[1]},
                               {"error_glocal", errors[2]},
                               {"fell_back", forecast.fell_back},
                               {"h_tau", block.h},
                               {"h_horizon", rest.h},
                               {"glocal", forecast.value}});
      std::vector<std::string> line{fmt::format("{:g}, {}", lr, start),
                                    start == 0 ? "-" : text(Statistic{loss, 0, 1}, 3)};
      for (std::size_t k = 0; k < errors.size(); ++k) {
        line.push_back(fmt::format("{:.2g}", errors[k]));
        plot.series[k].points.push_back({static_cast<double>(start), errors[k]});
      }
      line.insert(line.end(), {forecast.fell_back ? "yes" : "no", fmt::format("{:+.2g}", block.h.front()),
                               fmt::format("{:+.2g}", rest.h.front())});
      table.rows.push_back(line);
      lab.say(fmt::format("lr {:g}, block from {}: h_tau {:.2g}, published {:.2g}, glocal {:.2g}", lr, start, errors[0],
                          errors[1], errors[2]));
    }
    findings.plots.push_back(std::move(plot));
  }
  findings.tables.push_back(std::move(table));
  return findings;
}

}  // namespace

Study regime() { return study_of("regime", embedded::reproduce_regime, run); }

}  // namespace glocal::app

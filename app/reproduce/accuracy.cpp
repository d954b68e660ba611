// Does glocal estimate the global hypergradient? Every way of telling h_T from a block, on the half of the trajectory
// bank that nothing was tuned on.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/app/reproduce/bank.h>
#include <glocal/app/reproduce/bank_judge.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_accuracy;
}

namespace glocal::app {
namespace {

// Mean of the exact h over the steps before T, from 0.6 T on, with T itself left out: what a forecast could know at
// best of a number that also carries the noise of the very last batches.
std::vector<double> neighbours(const BankCase& one) {
  const Trajectory& trajectory = *one.trajectory;
  const std::int64_t q = trajectory.h.dim(1);
  std::vector<double> mean(static_cast<std::size_t>(q));
  double count = 0;
  for (std::size_t i = 0; i < trajectory.steps.size() && trajectory.steps[i] < one.T; ++i) {
    if (static_cast<double>(trajectory.steps[i]) < 0.6 * static_cast<double>(one.T)) continue;
    for (std::int64_t k = 0; k < q; ++k)
      mean[static_cast<std::size_t>(k)] += trajectory.h.data<double>()[static_cast<std::int64_t>(i) * q + k];
    ++count;
  }
  for (double& v : mean) v /= count;
  return mean;
}

std::vector<Predictor> all_predictors() {
  using hpo::DmdOptions;
  const auto glocal = [](hpo::Extrapolation extrapolation) {
    return [=](const BankCase& one) { return glocal_predicts(one, {.extrapolation = extrapolation}); };
  };
  const auto dmd = [](DmdOptions options) { return [=](const BankCase& one) { return dmd_tells(one, options); }; };
  DmdOptions three, power, total;
  three.rank = 3;
  three.policy = DmdOptions::Policy::clip;
  power.time = DmdOptions::TimeAxis::logarithmic;
  total = three;
  total.method = "total-least-squares";
  return {{"h_tau", h_tau},
          {"published recipe", published_recipe},
          {"DMD, rank 3, clip", dmd(three)},
          {"the same by total least squares", dmd(total)},
          {"one power of t per component", dmd(power)},
          {"DMD with a trial", glocal(hpo::Extrapolation::dmd)},
          {"DMD, chosen by hold-out",
           [](const BankCase& one) {
             return hpo::forecast_auto(one.trajectory->block(one.tau), static_cast<double>(one.T - 1),
                                       hpo::default_candidates(one.trajectory->h.dim(1)))
                 .value;
           }},
          {"glocal", glocal(hpo::Extrapolation::automatic)},
          {"mean of the exact h near T", neighbours}};
}

// How often an explosion is foretold: the fastest tangent grew faster than t^2 in the second half of the block.
void explosions(const std::vector<BankCase>& cases, Findings& findings) {
  TitledTable table{"Explosions: flagged by the block when the tangents grow faster than t^2",
                    {{"block", "cases that explode by T", "flagged", "cases that do not", "flagged"}}};
  for (const std::int64_t tau : {50, 100, 200, 400}) {
    std::array<std::int64_t, 2> count{}, flagged{};
    for (const BankCase& one : cases) {
      if (one.tau != tau) continue;
      const std::int64_t q = one.trajectory->h.dim(1);
      const double* const z = one.trajectory->tangents.data<double>();
      double growth = 0;
      for (std::int64_t k = 0; k < q; ++k)
        growth = std::max(growth, std::log2(z[(tau - 1) * q + k] / z[(tau / 2 - 1) * q + k]));
      ++count[one.exploded];
      flagged[one.exploded] += growth > 2;
    }
    table.rows.push_back({fmt::format("{}", tau), fmt::format("{}", count[1]), fmt::format("{}", flagged[1]),
                          fmt::format("{}", count[0]), fmt::format("{}", flagged[0])});
    findings.rows.push_back({{"set", "explosions"},
                             {"tau", tau},
                             {"exploding", count[1]},
                             {"flagged", flagged[1]},
                             {"calm", count[0]},
                             {"flagged_calm", flagged[0]}});
  }
  findings.tables.push_back(std::move(table));
}

Findings run(const Lab& lab) {
  Findings findings;
  const std::vector<Trajectory> bank = committed_bank(lab);
  const auto taus = lab.sweep<std::vector<std::int64_t>>("tau"), Ts = lab.sweep<std::vector<std::int64_t>>("T");
  const std::vector<BankCase> all = bank_cases(bank, taus, Ts, true), cases = stable(all);
  const std::vector<Predictor> predictors = all_predictors();
  const std::vector<BankScore> judged = judge_all("The half that nothing was tuned on", cases, predictors, findings);
  lab.say("the half that nothing was tuned on is judged");
  judge_all("The half that glocal's constants were chosen on", stable(bank_cases(bank, taus, Ts, false)),
            {predictors[0], predictors[1], predictors[7], predictors[8]}, findings);
  for (const char* model : {"mlp", "lenet"})
    for (const char* optimizer : {"sgd", "adam"}) {
      std::vector<BankCase> some = cases;
      std::erase_if(some, [&](const BankCase& one) {
        return one.trajectory->recipe.experiment.model != model ||
               one.trajectory->recipe.experiment.optimizer != optimizer;
      });
      judge_all(fmt::format("{} with {}", model, optimizer), some,
                {predictors[0], predictors[1], predictors[7], predictors[8]}, findings);
    }
  explosions(all, findings);

  Plot plot{"Share of cases with an error below", {"relative error", true, {{0.03, 30}}}, {"share of cases"}, {}};
  const std::pair<std::size_t, Paint> lines[] = {
      {0, paint_of("local")}, {1, Paint::grey}, {4, Paint::purple}, {7, paint_of("glocal")}, {8, Paint::muted}};
  for (const auto& [index, paint] : lines) {
    Series series{predictors[index].name, paint, index == 8 ? Series::Style::dotted : Series::Style::line, {}};
    std::vector<double> errors = judged[index].errors;
    std::ranges::sort(errors);
    for (std::size_t i = 0; i < errors.size(); ++i)
      series.points.push_back(
          {std::max(errors[i], 1e-3), static_cast<double>(i + 1) / static_cast<double>(errors.size())});
    plot.series.push_back(std::move(series));
  }
  findings.plots.push_back(std::move(plot));
  return findings;
}

}  // namespace

Study accuracy() { return study_of("accuracy", embedded::reproduce_accuracy, run); }

}  // namespace glocal::app

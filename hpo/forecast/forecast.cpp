#include <glocal/hpo/forecast/forecast.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/forecast/forecaster.h>
#include <glocal/hpo/forecast/trial.h>

namespace glocal::hpo {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double like_skill = 2;  // forecasters within this factor of the best one speak for the error bar

bool finite(const std::vector<double>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](double v) { return std::isfinite(v); });
}

// Joins to each bar the difference of two forecasts, one of `count`.
void join(std::vector<double>& bar, const std::vector<double>& a, const std::vector<double>& b, std::size_t count = 1) {
  for (std::size_t k = 0; k < bar.size(); ++k)
    bar[k] = std::hypot(bar[k], (a[k] - b[k]) / std::sqrt(static_cast<double>(count)));
}

// Why the last value is used; empty when the forecast is believed.
std::string against(const Forecast& forecast, const Test& test, std::int64_t tau, const std::vector<double>& said) {
  if (const std::string refusal = forecast.model->refusal(); !refusal.empty()) return refusal;
  if (!finite(said)) return "the forecast is not finite";
  if (test.hold_outs.empty())
    return test.believe_untested ? "" : fmt::format("{} snapshots are too few to hold some out", tau);
  if (test.passed(forecast.skill)) return "";
  return std::isfinite(forecast.skill) ? fmt::format("it missed by {:.3g} times that", forecast.skill)
                                       : "what was held out is constant, or what was said of it is not finite";
}

std::string ending(const Forecast& forecast, const Test& test, const std::string& against) {
  if (!against.empty()) return against + ": the last value is used";
  if (test.hold_outs.empty()) return "there was no room for a test: it is believed";
  return fmt::format("it missed by {:.3g} times that, and is believed", forecast.skill);
}

}  // namespace

Forecast forecast(const Known& known, double target_t, const std::vector<Forecaster>& forecasters, const Test& test,
                  Doubt doubt, bool shrink) {
  if (forecasters.empty()) fail<ValueError>("[forecast] there is no forecaster; give at least one");
  const std::int64_t tau = known.h.dim(0);
  for (const auto& [kept, from, mean] : test.hold_outs)
    if (!(kept >= 1 && kept <= from && from < tau))
      fail<ValueError>("[forecast] {} of {} snapshots kept, held out from index {}; give 1 <= kept <= from < tau", kept,
                       tau, from);
  const std::vector<double> last = persistence().fit(known)->at(target_t);
  Forecast out;
  out.test = test.words(tau);
  std::vector<Trial> trials;
  // Whether forecaster i goes before j: by its error, and where those are equal by its handicap.
  const auto before = [&](std::size_t i, std::size_t j) {
    const double a = forecasters[i].handicap * trials[i].skill, b = forecasters[j].handicap * trials[j].skill;
    return a == b ? forecasters[i].handicap < forecasters[j].handicap : a < b;
  };
  for (std::size_t i = 0; i < forecasters.size(); ++i) {
    trials.push_back(try_forecaster(forecasters[i], known, test, target_t));
    out.skills.push_back(trials[i].skill);
    if (before(i, out.chosen)) out.chosen = i;
  }
  const Forecaster& taken = forecasters[out.chosen];
  const Trial& trial = trials[out.chosen];
  out.skill = trial.skill;
  out.model = taken.fit(known);
  out.unstable = out.model->grows();
  out.note = out.model->note();
  if (forecasters[0].handicap > taken.handicap)
    out.note += fmt::format("{}{} instead of {}, which was not {:g} times closer", out.note.empty() ? "" : "; ",
                            taken.name, forecasters[0].name, forecasters[0].handicap / taken.handicap);

  const std::vector<double> said = out.model->at(target_t);
  std::string reason = against(out, test, tau, said);
  out.weight = !reason.empty() ? 0 : shrink ? std::clamp(trial.agreement, 0.0, 1.0) : 1;
  out.fell_back = out.weight == 0;
  if (out.fell_back && reason.empty()) reason = "it moves against what was held out";
  out.ended = ending(out, test, reason);
  for (std::size_t k = 0; k < last.size(); ++k)
    out.value.push_back(out.weight == 1   ? said[k]
                        : out.weight == 0 ? last[k]
                                          : last[k] + out.weight * (said[k] - last[k]));

  if (doubt == Doubt::fit) {
    out.error_bar = out.model->error_bar(target_t, out.value);
    return out;
  }
  if (test.hold_outs.empty()) {
    out.error_bar.assign(out.value.size(), infinity);
    return out;
  }
  const double back = static_cast<double>(tau - test.hold_outs[0].kept);
  out.error_bar = out.fell_back ? try_forecaster(persistence(), known, test, target_t).errors : trial.errors;
  for (double& bar : out.error_bar)
    bar *= std::sqrt(std::max(1.0, 2 * (target_t - static_cast<double>(tau - 1)) / back));
  if (doubt == Doubt::trial) return out;
  add_doubt_of_fit(out, target_t);
  if (doubt == Doubt::both) return out;
  if (!out.fell_back)
    for (const std::vector<double>& earlier : trial.targets)
      join(out.error_bar, out.value, earlier, trial.targets.size());
  std::vector<std::size_t> rivals;
  for (std::size_t i = 0; i < forecasters.size(); ++i)
    if ((i != out.chosen || out.fell_back) && trials[i].skill <= like_skill * std::min(trial.skill, 1.0))
      rivals.push_back(i);
  for (const std::size_t i : rivals)
    join(out.error_bar, out.value, forecasters[i].fit(known)->at(target_t), rivals.size());
  return out;
}

void add_doubt_of_fit(Forecast& forecast, double target_t) {
  if (forecast.fell_back) return;
  const std::vector<double> own = forecast.model->error_bar(target_t, forecast.value);
  for (std::size_t k = 0; k < own.size(); ++k) forecast.error_bar[k] = std::hypot(forecast.error_bar[k], own[k]);
}

}  // namespace glocal::hpo

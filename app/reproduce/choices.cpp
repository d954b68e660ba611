// How to choose delays, rank, block, dictionary? Sweeps over the trajectory bank, and what a choice by hold-out takes.
#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/reproduce/bank_judge.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/app/settings/choices.h>
#include <glocal/hpo/dmd/methods/registry.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>
#include <glocal/hpo/forecast/forecast.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_choices;
}

namespace glocal::app {
namespace {

using hpo::DmdOptions;

DmdOptions base() {
  DmdOptions options;
  options.rank = 3;
  options.policy = DmdOptions::Policy::clip;
  return options;
}

Predictor with(const std::string& name, const DmdOptions& options) {
  return {name, [=](const BankCase& one) { return dmd_tells(one, options); }};
}

// What forecast_auto takes, and how often.
void picks(const std::vector<BankCase>& cases, Findings& findings) {
  const auto candidates = hpo::default_candidates(3);
  std::map<std::string, std::int64_t> count;
  for (const BankCase& one : cases) {
    const hpo::Forecast forecast =
        hpo::forecast_auto(one.trajectory->block(one.tau), static_cast<double>(one.T - 1), candidates);
    ++count[forecast.fell_back ? "h_tau" : candidates[forecast.chosen].name];
  }
  TitledTable table{"What the choice by hold-out took", {{"candidate", "cases"}}};
  for (const auto& [name, times] : count) {
    table.rows.push_back({name, fmt::format("{}", times)});
    findings.rows.push_back({{"set", "chosen"}, {"candidate", name}, {"cases", times}});
  }
  findings.tables.push_back(std::move(table));
}

Findings run(const Lab& lab) {
  Findings findings;
  const std::vector<Trajectory> bank = committed_bank(lab);
  const auto taus = lab.sweep<std::vector<std::int64_t>>("tau");
  const auto T = lab.sweep<std::int64_t>("T"), usual = lab.sweep<std::int64_t>("usual_tau");
  const std::vector<BankCase> cases = stable(bank_cases(bank, {usual}, {T}, false));

  std::vector<Predictor> predictors{{"h_tau", h_tau}};
  for (const auto m : lab.sweep<std::vector<int>>("delays")) {
    DmdOptions options = base();
    options.delays = m;
    predictors.push_back(with(fmt::format("m = {}", m), options));
  }
  for (const auto rank : lab.sweep<std::vector<int>>("rank")) {
    DmdOptions options = base();
    options.rank = rank;
    predictors.push_back(with(fmt::format("rank {}", rank), options));
  }
  for (const std::string& method : hpo::dmd_methods().names()) {
    DmdOptions options = base();
    options.method = method;
    predictors.push_back(with(method, options));
  }
  using TimeAxis = DmdOptions::TimeAxis;
  for (const TimeAxis time : {TimeAxis::logarithmic, TimeAxis::log_grid}) {
    DmdOptions options = base();
    options.time = time;
    predictors.push_back(with(fmt::format("{} time", text_of(time)), options));
  }
  judge_all(fmt::format("Delays, rank, method, time axis; tau = {}, T = {}; else m = 10, rank 3, clip", usual, T),
            cases, predictors, findings);
  lab.say("sweeps of the fit are judged");

  for (const std::int64_t tau : taus)
    judge_all(fmt::format("tau = {}, T = {}", tau, T), stable(bank_cases(bank, {tau}, {T}, false)),
              {{"h_tau", h_tau},
               with("DMD, rank 3, clip", base()),
               {"glocal", [](const BankCase& one) { return glocal_predicts(one, {}); }}},
              findings);
  picks(cases, findings);
  return findings;
}

}  // namespace

Study choices() { return study_of("choices", embedded::reproduce_choices, run); }

}  // namespace glocal::app

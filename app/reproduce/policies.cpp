// Why drop modes with |lambda| != 1? Raw, clipped, snapped and unit eigenvalues on the trajectory bank, at the horizon.
#include <fmt/core.h>

#include <cstdint>
#include <span>
#include <vector>

#include <glocal/app/reproduce/bank.h>
#include <glocal/app/reproduce/bank_judge.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/app/settings/choices.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_policies;
}

namespace glocal::app {
namespace {

Findings run(const Lab& lab) {
  using Policy = hpo::DmdOptions::Policy;
  Findings findings;
  const std::vector<Trajectory> bank = committed_bank(lab);
  const auto taus = lab.sweep<std::vector<std::int64_t>>("tau");
  for (const std::int64_t T : lab.sweep<std::vector<std::int64_t>>("T")) {
    const std::vector<BankCase> cases = stable(bank_cases(bank, taus, {T}, true));
    std::vector<Predictor> predictors{{"h_tau", h_tau}};
    for (const auto rank : lab.sweep<std::vector<int>>("rank"))
      for (const Policy policy : {Policy::raw, Policy::clip, Policy::snap, Policy::unit}) {
        hpo::DmdOptions options;
        options.rank = rank;
        options.policy = policy;
        options.snap_tolerance = lab.sweep<double>("snap_tolerance");
        predictors.push_back(
            {fmt::format("{}, {}", text_of(policy), rank ? fmt::format("rank {}", rank) : "automatic rank"),
             [=](const BankCase& one) { return dmd_tells(one, options); }});
      }
    judge_all(fmt::format("T = {}", T), cases, predictors, findings);
    lab.say(fmt::format("T = {} is judged", T));
  }
  return findings;
}

}  // namespace

Study policies() { return study_of("policies", embedded::reproduce_policies, run); }

}  // namespace glocal::app

// Forecasts judged on the trajectory bank: relative errors beside those of h_tau, signs, explosions.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <glocal/app/reproduce/bank.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/estimators/options.h>

namespace glocal::app {

/// A block of tau steps of one trajectory, and what it should foretell.
struct BankCase {
  const Trajectory* trajectory;
  std::int64_t tau, T;
  std::vector<double> truth;  ///< (q,) the exact h_T
  bool exploded;              ///< h_T is beyond 20 times all early h, or Z grew sixfold in the last octave of time
};

/// All pairs of tau and T >= 2 tau that the trajectories hold, of one half of the bank.
std::vector<BankCase> bank_cases(const std::vector<Trajectory>& bank, const std::vector<std::int64_t>& tau,
                                 const std::vector<std::int64_t>& T, bool held_out);

/// A way of telling h_T from the first tau steps; (q,).
struct Predictor {
  std::string name;
  std::function<std::vector<double>(const BankCase&)> tell;
};
std::vector<double> h_tau(const BankCase& one);
/// The published recipe: ten delays, modes at 1 alone go forward, no trial.
std::vector<double> published_recipe(const BankCase& one);
/// glocal_forecast with options.
std::vector<double> glocal_predicts(const BankCase& one, const hpo::EstimatorOptions& options);
/// DMD of h alone without a trial.
std::vector<double> dmd_tells(const BankCase& one, const hpo::DmdOptions& options);

/// How one predictor did over cases that did not explode. Error of a case: median over components of
/// |told - h_T| / |h_T|; ratio: to the error of h_tau in the same case.
struct BankScore {
  double median = 0, upper_quartile = 0, ratio = 0;  ///< of errors; geometric mean of ratios
  double worse = 0, far_worse = 0, worst_ratio = 0;  ///< shares of ratios above 1.2 and 3; the largest
  double sign = 0, cosine = 0;                       ///< share of components; mean over cases
  std::vector<double> errors;                        ///< one a case
};
BankScore judge(const std::vector<BankCase>& cases, const Predictor& predictor);

/// Judges all, h_tau first; adds a table, rows {"set", "predictor", ...} and returns the scores.
std::vector<BankScore> judge_all(const std::string& title, const std::vector<BankCase>& cases,
                                 const std::vector<Predictor>& predictors, Findings& findings);
/// Those that did not explode.
std::vector<BankCase> stable(std::vector<BankCase> cases);

/// The bank beside the page of questions, with its recipes. Throws IoError, DataError.
std::vector<Trajectory> committed_bank(const Lab& lab);

}  // namespace glocal::app

// The error bound: its two terms where the operator is known, and the error bars on the trajectory bank.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <glocal/app/reproduce/bank.h>
#include <glocal/app/reproduce/bank_judge.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/error_bar.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/forecast/forecast.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_error_bound;
}

namespace glocal::app {
namespace {

// h_t = sum_k a_k lambda_k^t with known modes, and a fit to tau noisy values of it. The error at T is at most
//   sum_k |a_k| T |lambda'_k - lambda_k| max(|lambda_k|, |lambda'_k|)^(T - 1)   (the operator's)
// + sum_k |a'_k - a_k| |lambda'_k|^T                                           (the start's).
struct Terms {
  double error = 0, operator_term = 0, start_term = 0, bar = 0;
};

Terms terms(const std::vector<double>& lambda, const std::vector<double>& a, double noise, std::int64_t tau,
            std::int64_t T, Key key) {
  Tensor h({tau, 1}, DType::f64);
  const Tensor normals = normal(key, {tau}, 0, noise, DType::f64);
  for (std::int64_t t = 0; t < tau; ++t) {
    h.data<double>()[t] = normals.data<double>()[t];
    for (std::size_t k = 0; k < a.size(); ++k) h.data<double>()[t] += a[k] * std::pow(lambda[k], t);
  }
  hpo::DmdOptions options;
  options.rank = static_cast<int>(a.size());
  options.policy = hpo::DmdOptions::Policy::clip;
  options.method = "total-least-squares";
  const hpo::DmdFit fit = hpo::fit_dmd(h, options);
  Terms out;
  double exact = 0;
  std::vector<bool> taken(fit.eigenvalues.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    exact += a[k] * std::pow(lambda[k], T);
    std::size_t nearest = fit.eigenvalues.size();
    for (std::size_t j = 0; j < fit.eigenvalues.size(); ++j)
      if (!taken[j] && (nearest == fit.eigenvalues.size() ||
                        std::abs(fit.eigenvalues[j] - lambda[k]) < std::abs(fit.eigenvalues[nearest] - lambda[k])))
        nearest = j;
    if (nearest == fit.eigenvalues.size()) {  // a mode that the fit did not find
      out.start_term += std::abs(a[k]) * std::pow(std::abs(lambda[k]), T);
      continue;
    }
    taken[nearest] = true;
    const std::complex<double> found = fit.eigenvalues[nearest];
    const double larger = std::max(std::abs(found), std::abs(lambda[k]));
    out.operator_term +=
        std::abs(a[k]) * static_cast<double>(T) * std::abs(found - lambda[k]) * std::pow(larger, T - 1);
    out.start_term +=
        std::abs(fit.amplitudes(static_cast<std::int64_t>(nearest), 0) - a[k]) * std::pow(std::abs(found), T);
  }
  out.error = std::abs(fit.forecast(static_cast<double>(T))[0] - exact);
  out.bar = error_bar(fit, static_cast<double>(T))[0];
  return out;
}

void known_operator(const Lab& lab, Findings& findings) {
  const auto lambda = lab.sweep<std::vector<double>>("eigenvalues"), a = lab.sweep<std::vector<double>>("amplitudes");
  const auto tau = lab.sweep<std::int64_t>("block"), draws = lab.sweep<std::int64_t>("draws");
  TitledTable table{
      fmt::format("Known operator, block of {}: root mean squares over {} draws, relative to h_0", tau, draws),
      {{"noise", "T", "error", "operator's term", "start's term", "bound holds", "fit's error bar"}}};
  for (const double noise : lab.sweep<std::vector<double>>("noise"))
    for (const std::int64_t T : lab.sweep<std::vector<std::int64_t>>("horizon")) {
      Terms sum;
      std::int64_t holds = 0;
      for (std::int64_t draw = 0; draw < draws; ++draw) {
        const Terms one = terms(lambda, a, noise, tau, T, split(key(1), static_cast<std::uint64_t>(draw)));
        holds += one.error <= (one.operator_term + one.start_term) * (1 + 1e-9) + 1e-12;
        sum.error += one.error * one.error;
        sum.operator_term += one.operator_term * one.operator_term;
        sum.start_term += one.start_term * one.start_term;
        sum.bar += one.bar * one.bar;
      }
      const auto root = [&](double squares) { return std::sqrt(squares / static_cast<double>(draws)); };
      const double held = static_cast<double>(holds) / static_cast<double>(draws);
      table.rows.push_back({fmt::format("{:g}", noise), fmt::format("{}", T), fmt::format("{:.2g}", root(sum.error)),
                            fmt::format("{:.2g}", root(sum.operator_term)), fmt::format("{:.2g}", root(sum.start_term)),
                            fmt::format("{:.0f} %", 100 * held), fmt::format("{:.2g}", root(sum.bar))});
      findings.rows.push_back({{"set", "known operator"},
                               {"noise", noise},
                               {"T", T},
                               {"error", root(sum.error)},
                               {"operator_term", root(sum.operator_term)},
                               {"start_term", root(sum.start_term)},
                               {"holds", held},
                               {"bar", root(sum.bar)}});
    }
  findings.tables.push_back(std::move(table));
}

// Shares of components within one and two error bars, on the half of the bank that nothing was tuned on.
void coverage(const Lab& lab, Findings& findings) {
  const std::vector<Trajectory> bank = committed_bank(lab);
  TitledTable table{"Real trajectories: components within one and two error bars of glocal's forecast",
                    {{"tau", "T", "components", "within one", "within two"}}};
  for (const auto& pair : lab.sweep<std::vector<std::array<std::int64_t, 2>>>("tau_and_T")) {
    std::int64_t count = 0, one_bar = 0, two_bars = 0;
    for (const BankCase& one : stable(bank_cases(bank, {pair[0]}, {pair[1]}, true))) {
      const Tensor outer =
          Tensor::from(one.trajectory->outer.span<double>().first(static_cast<std::size_t>(one.tau)), {one.tau});
      const hpo::Forecast forecast =
          hpo::glocal_forecast(one.trajectory->block(one.tau), outer, one.trajectory->recipe.start, one.T, {});
      for (std::size_t k = 0; k < one.truth.size(); ++k) {
        const double error = std::abs(forecast.value[k] - one.truth[k]);
        ++count;
        one_bar += error <= forecast.error_bar[k];
        two_bars += error <= 2 * forecast.error_bar[k];
      }
    }
    const auto share = [&](std::int64_t n) { return static_cast<double>(n) / static_cast<double>(count); };
    table.rows.push_back({fmt::format("{}", pair[0]), fmt::format("{}", pair[1]), fmt::format("{}", count),
                          fmt::format("{:.0f} %", 100 * share(one_bar)),
                          fmt::format("{:.0f} %", 100 * share(two_bars))});
    findings.rows.push_back({{"set", "bank"},
                             {"tau", pair[0]},
                             {"T", pair[1]},
                             {"components", count},
                             {"within_one", share(one_bar)},
                             {"within_two", share(two_bars)}});
  }
  findings.tables.push_back(std::move(table));
}

Findings run(const Lab& lab) {
  Findings findings;
  known_operator(lab, findings);
  coverage(lab, findings);
  return findings;
}

}  // namespace

Study error_bound() { return study_of("error-bound", embedded::reproduce_error_bound, run); }

}  // namespace glocal::app

#include <glocal/app/reproduce/bank_judge.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/reproduce/bank.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/estimators/options.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_bank;
}

namespace glocal::app {
namespace {

double quantile(std::vector<double> numbers, double at) {
  std::ranges::sort(numbers);
  const double place = at * static_cast<double>(numbers.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, numbers.size() - 1);
  return numbers[low] + (place - static_cast<double>(low)) * (numbers[high] - numbers[low]);
}

double largest(const double* numbers, std::int64_t count) {
  double size = 0;
  for (std::int64_t i = 0; i < count; ++i) size = std::max(size, std::abs(numbers[i]));
  return size;
}

bool has_exploded(const Trajectory& trajectory, std::int64_t T, const std::vector<double>& truth) {
  constexpr double beyond = 20, least = 0.05, grown = 6;
  const std::int64_t q = trajectory.h.dim(1), n = std::ssize(trajectory.steps);
  const double early = largest(trajectory.h.data<double>(), std::min<std::int64_t>(50, n) * q);
  if (largest(truth.data(), q) > beyond * std::max(early, least)) return true;
  const auto row = [&](std::int64_t t) {
    const auto found = std::lower_bound(trajectory.steps.begin(), trajectory.steps.end(), t);
    return trajectory.tangents.data<double>() + (found - trajectory.steps.begin()) * q;
  };
  for (std::int64_t k = 0; k < q; ++k)
    if (row(T)[k] >= grown * row(T / 2)[k]) return true;
  return false;
}

Tensor outers(const BankCase& one) {
  return Tensor::from(one.trajectory->outer.span<double>().first(static_cast<std::size_t>(one.tau)), {one.tau});
}

}  // namespace

std::vector<BankCase> bank_cases(const std::vector<Trajectory>& bank, const std::vector<std::int64_t>& taus,
                                 const std::vector<std::int64_t>& Ts, bool held_out) {
  std::vector<BankCase> cases;
  for (const Trajectory& trajectory : bank) {
    if (trajectory.recipe.held_out != held_out) continue;
    for (const std::int64_t tau : taus)
      for (const std::int64_t T : Ts) {
        const bool recorded = std::ssize(trajectory.steps) >= tau && T >= 2 * tau;
        std::vector<double> truth = recorded ? trajectory.truth(T) : std::vector<double>{};
        if (truth.empty()) continue;
        const bool exploded = has_exploded(trajectory, T, truth);
        cases.push_back({&trajectory, tau, T, std::move(truth), exploded});
      }
  }
  return cases;
}

std::vector<BankCase> stable(std::vector<BankCase> cases) {
  std::erase_if(cases, [](const BankCase& one) { return one.exploded; });
  return cases;
}

std::vector<double> h_tau(const BankCase& one) {
  const std::int64_t q = one.trajectory->h.dim(1);
  const double* const row = one.trajectory->h.data<double>() + (one.tau - 1) * q;
  return {row, row + q};
}

std::vector<double> dmd_tells(const BankCase& one, const hpo::DmdOptions& options) {
  return hpo::fit_dmd(one.trajectory->block(one.tau), options).forecast(static_cast<double>(one.T - 1));
}

std::vector<double> published_recipe(const BankCase& one) {
  hpo::DmdOptions options;
  options.policy = hpo::DmdOptions::Policy::unit;
  options.snap_tolerance = 0.01;
  return dmd_tells(one, options);
}

std::vector<double> glocal_predicts(const BankCase& one, const hpo::EstimatorOptions& options) {
  return hpo::glocal_forecast(one.trajectory->block(one.tau), outers(one), one.trajectory->recipe.start, one.T, options)
      .value;
}

BankScore judge(const std::vector<BankCase>& cases, const Predictor& predictor) {
  BankScore score;
  std::vector<double> ratios;
  double logs = 0, signs = 0, components = 0;
  for (const BankCase& one : cases) {
    throw_if_interrupted();
    const std::vector<double> told = predictor.tell(one), last = h_tau(one);
    std::vector<double> errors, base;
    double along = 0, size = 0, true_size = 0;
    for (std::size_t k = 0; k < told.size(); ++k) {
      errors.push_back(std::abs(told[k] - one.truth[k]) / std::abs(one.truth[k]));
      base.push_back(std::abs(last[k] - one.truth[k]) / std::abs(one.truth[k]));
      signs += told[k] * one.truth[k] > 0;
      ++components;
      along += told[k] * one.truth[k];
      size = std::hypot(size, told[k]);
      true_size = std::hypot(true_size, one.truth[k]);
    }
    constexpr double floor = 1e-6;  // a ratio of two errors near zero says nothing
    score.errors.push_back(quantile(errors, 0.5));
    ratios.push_back(std::max(score.errors.back(), floor) / std::max(quantile(base, 0.5), floor));
    logs += std::log(ratios.back());
    score.cosine += size > 0 && true_size > 0 ? along / (size * true_size) : 0;
  }
  if (cases.empty()) return score;
  const auto n = static_cast<double>(cases.size());
  const auto share_above = [&](double bound) {
    return static_cast<double>(std::ranges::count_if(ratios, [=](double r) { return r > bound; })) / n;
  };
  score.median = quantile(score.errors, 0.5);
  score.upper_quartile = quantile(score.errors, 0.75);
  score.ratio = std::exp(logs / n);
  score.worse = share_above(1.2);
  score.far_worse = share_above(3);
  score.worst_ratio = *std::ranges::max_element(ratios);
  score.sign = signs / components;
  score.cosine /= n;
  return score;
}

std::vector<BankScore> judge_all(const std::string& title, const std::vector<BankCase>& cases,
                                 const std::vector<Predictor>& predictors, Findings& findings) {
  std::vector<BankScore> scores;
  TitledTable table{fmt::format("{} ({} cases)", title, cases.size()),
                    {{"", "median error", "upper quartile", "ratio to h_tau", "above 1.2", "above 3", "largest",
                      "right sign", "cosine"}}};
  for (const Predictor& predictor : predictors) {
    const BankScore& j = scores.emplace_back(judge(cases, predictor));
    table.rows.push_back({predictor.name, fmt::format("{:.2f}", j.median), fmt::format("{:.2f}", j.upper_quartile),
                          fmt::format("{:.2f}", j.ratio), fmt::format("{:.0f} %", 100 * j.worse),
                          fmt::format("{:.1f} %", 100 * j.far_worse), fmt::format("{:.2g}", j.worst_ratio),
                          fmt::format("{:.0f} %", 100 * j.sign), fmt::format("{:.2f}", j.cosine)});
    findings.rows.push_back({{"set", title},
                             {"predictor", predictor.name},
                             {"cases", cases.size()},
                             {"median_error", j.median},
                             {"upper_quartile", j.upper_quartile},
                             {"ratio", j.ratio},
                             {"above_1.2", j.worse},
                             {"above_3", j.far_worse},
                             {"largest", j.worst_ratio},
                             {"sign", j.sign},
                             {"cosine", j.cosine}});
  }
  findings.tables.push_back(std::move(table));
  return scores;
}

std::vector<Trajectory> committed_bank(const Lab& lab) {
  const auto text = embedded::reproduce_bank;
  return load_bank(lab.sweep<std::string>("bank"),
                   parse_recipes({reinterpret_cast<const char*>(text.data()), text.size()}));
}

}  // namespace glocal::app

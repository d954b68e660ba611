// Statistics of repeated draws of a stochastic estimator.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/registry.h>

namespace glocal::hpo {

/// Mean and variance of every component over `count` draws.
struct Draws {
  std::vector<double> mean, variance;
  std::int64_t count = 0;

  double standard_error(std::size_t k) const { return std::sqrt(variance[k] / double(count)); }
  double total_variance() const {
    double sum = 0;
    for (double v : variance) sum += v;
    return sum;
  }
  /// Largest |mean - exact| over the components, in standard errors.
  double standard_errors_from(const std::vector<double>& exact) const {
    double worst = 0;
    for (std::size_t k = 0; k < exact.size(); ++k)
      worst = std::max(worst, std::abs(mean[k] - exact[k]) / standard_error(k));
    return worst;
  }
};

/// draw(i) is a list of numbers, for i = 0 .. count - 1.
template <class F>
Draws repeated(std::int64_t count, F&& draw) {
  std::vector<std::vector<double>> all;
  for (std::int64_t i = 0; i < count; ++i) all.push_back(draw(static_cast<std::uint64_t>(i)));
  Draws draws{std::vector<double>(all[0].size()), std::vector<double>(all[0].size()), count};
  for (const auto& h : all)
    for (std::size_t k = 0; k < h.size(); ++k) draws.mean[k] += h[k] / double(count);
  for (const auto& h : all)
    for (std::size_t k = 0; k < h.size(); ++k)
      draws.variance[k] += std::pow(h[k] - draws.mean[k], 2) / double(count - 1);
  return draws;
}

/// The estimates of `blocks` blocks one after another, phi standing still, joined into one list.
inline std::vector<double> estimates(const std::string& name, EstimatorOptions options, std::uint64_t seed,
                                     const FlatProblem& problem, const Vars& phi, std::int64_t blocks) {
  options.seed = seed;
  const auto estimator = make_estimator(name, options);
  Progress progress{problem.init(phi), {}, 0, blocks * options.tau};
  std::vector<double> all;
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::vector<double> h = estimator->advance(problem, phi, progress).h;
    all.insert(all.end(), h.begin(), h.end());
  }
  return all;
}

/// Slope of log(y) over log(x) by least squares.
inline double log_log_slope(const std::vector<double>& x, const std::vector<double>& y) {
  double mx = 0, my = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mx += std::log(x[i]) / double(x.size());
    my += std::log(y[i]) / double(x.size());
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (std::log(x[i]) - mx) * (std::log(x[i]) - mx);
    xy += (std::log(x[i]) - mx) * (std::log(y[i]) - my);
  }
  return xy / xx;
}

}  // namespace glocal::hpo

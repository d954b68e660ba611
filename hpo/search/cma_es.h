// The covariance matrix adaptation evolution strategy, after N. Hansen, "The CMA Evolution Strategy: A Tutorial",
// arXiv 1604.00772, 2016: figure 6 with the default parameters of table 1 (negative weights included).
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <glocal/core/random.h>

namespace glocal::hpo {

/// Lowers f by the order of its values alone. Ask for points, tell their values; after `population` of them the
/// distribution N(mean, sigma^2 C) moves. A NaN counts as +Inf.
class CmaEs {
 public:
  /// population 0: 4 + floor(3 log n). Throws ValueError for an empty mean, sigma <= 0 or a population below 4.
  CmaEs(std::vector<double> mean, double sigma, Key key, std::int64_t population = 0);

  /// A point of the distribution; with `inside`, drawn again (at most 100 times) until it is.
  std::vector<double> ask(const std::function<bool(const std::vector<double>&)>& inside = {});
  /// Any point may be told, also one that was repaired after it was asked for. Throws NumericError when the
  /// distribution has left the range of f64.
  void tell(const std::vector<double>& x, double f);

  std::int64_t population() const { return lambda_; }
  double sigma() const { return sigma_; }
  const std::vector<double>& mean() const { return mean_; }

 private:
  void move();
  void decompose();
  std::vector<double> whitened(const std::vector<double>& y) const;  // C^-1/2 y

  std::size_t n_;
  std::int64_t lambda_ = 0;
  std::vector<double> weights_;  // by rank, the positive ones first
  std::size_t parents_ = 0;      // mu
  double mu_eff_ = 0, c_sigma_ = 0, d_sigma_ = 0, c_c_ = 0, c_1_ = 0, c_mu_ = 0, chi_n_ = 0;

  std::vector<double> mean_;
  double sigma_;
  std::vector<double> p_sigma_, p_c_;
  std::vector<double> covariance_, basis_, deviations_;  // C = B diag(D^2) B^T, row-major (n, n)
  std::int64_t generation_ = 0;
  std::vector<std::pair<double, std::vector<double>>> told_;
  Key key_;
  std::uint64_t draws_ = 0;
};

}  // namespace glocal::hpo

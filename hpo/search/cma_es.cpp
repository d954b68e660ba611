#include <glocal/hpo/search/cma_es.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>

namespace glocal::hpo {

CmaEs::CmaEs(std::vector<double> mean, double sigma, Key key, std::int64_t population)
    : n_(mean.size()), mean_(std::move(mean)), sigma_(sigma), key_(key) {
  if (n_ == 0) fail<ValueError>("[cma_es] nothing to search: the mean is empty");
  if (!(sigma > 0) || !std::isfinite(sigma)) fail<ValueError>("[cma_es] sigma = {} must be > 0 and finite", sigma);
  const auto n = static_cast<double>(n_);
  lambda_ = population == 0 ? 4 + static_cast<std::int64_t>(3 * std::log(n)) : population;
  if (lambda_ < 4) fail<ValueError>("[cma_es] population = {} must be at least 4", population);
  parents_ = static_cast<std::size_t>(lambda_ / 2);

  // Equations 49 to 58.
  double sum_plus = 0, square_plus = 0, sum_minus = 0, square_minus = 0;
  for (std::int64_t i = 1; i <= lambda_; ++i) {
    const double w = std::log((static_cast<double>(lambda_) + 1) / 2) - std::log(static_cast<double>(i));
    weights_.push_back(w);
    (i <= lambda_ / 2 ? sum_plus : sum_minus) += std::abs(w);
    (i <= lambda_ / 2 ? square_plus : square_minus) += w * w;
  }
  mu_eff_ = sum_plus * sum_plus / square_plus;
  const double mu_eff_minus = sum_minus * sum_minus / square_minus;
  c_sigma_ = (mu_eff_ + 2) / (n + mu_eff_ + 5);
  d_sigma_ = 1 + 2 * std::max(0.0, std::sqrt((mu_eff_ - 1) / (n + 1)) - 1) + c_sigma_;
  c_c_ = (4 + mu_eff_ / n) / (n + 4 + 2 * mu_eff_ / n);
  c_1_ = 2 / ((n + 1.3) * (n + 1.3) + mu_eff_);
  c_mu_ = std::min(1 - c_1_, 2 * (0.25 + mu_eff_ + 1 / mu_eff_ - 2) / ((n + 2) * (n + 2) + mu_eff_));
  const double minus =
      std::min({1 + c_1_ / c_mu_, 1 + 2 * mu_eff_minus / (mu_eff_ + 2), (1 - c_1_ - c_mu_) / (n * c_mu_)});
  for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] *= i < parents_ ? 1 / sum_plus : minus / sum_minus;
  chi_n_ = std::sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));

  p_sigma_.assign(n_, 0);
  p_c_.assign(n_, 0);
  covariance_.assign(n_ * n_, 0);
  for (std::size_t i = 0; i < n_; ++i) covariance_[i * n_ + i] = 1;
  basis_ = covariance_;
  deviations_.assign(n_, 1);
}

std::vector<double> CmaEs::ask(const std::function<bool(const std::vector<double>&)>& inside) {
  std::vector<double> x;
  for (int attempt = 0; attempt < 100; ++attempt) {
    // x = m + sigma B D z (equations 38 to 40)
    const Tensor z = normal(split(key_, draws_++), {static_cast<std::int64_t>(n_)}, 0, 1, DType::f64);
    x = mean_;
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < n_; ++j)
        x[i] += sigma_ * basis_[i * n_ + j] * deviations_[j] * z.at(static_cast<std::int64_t>(j));
    if (!inside || inside(x)) break;
  }
  return x;
}

void CmaEs::tell(const std::vector<double>& x, double f) {
  if (x.size() != n_) fail<ShapeError>("[cma_es] a point of {} numbers in {} dimensions", x.size(), n_);
  told_.emplace_back(std::isnan(f) ? std::numeric_limits<double>::infinity() : f, x);
  if (static_cast<std::int64_t>(told_.size()) == lambda_) move();
}

std::vector<double> CmaEs::whitened(const std::vector<double>& y) const {
  std::vector<double> out(n_, 0.0);
  for (std::size_t j = 0; j < n_; ++j) {
    double along = 0;
    for (std::size_t i = 0; i < n_; ++i) along += basis_[i * n_ + j] * y[i];
    for (std::size_t i = 0; i < n_; ++i) out[i] += basis_[i * n_ + j] * along / deviations_[j];
  }
  return out;
}

void CmaEs::move() {
  std::stable_sort(told_.begin(), told_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto n = static_cast<double>(n_);
  std::vector<std::vector<double>> y;
  for (const auto& [f, x] : told_) {
    y.push_back(x);
    for (std::size_t i = 0; i < n_; ++i) y.back()[i] = (x[i] - mean_[i]) / sigma_;
  }
  told_.clear();
  ++generation_;

  // Selection and recombination (41, 42), c_m = 1.
  std::vector<double> step(n_, 0.0);
  for (std::size_t k = 0; k < parents_; ++k)
    for (std::size_t i = 0; i < n_; ++i) step[i] += weights_[k] * y[k][i];
  for (std::size_t i = 0; i < n_; ++i) mean_[i] += sigma_ * step[i];

  // Step size (43, 44).
  const std::vector<double> white = whitened(step);
  double square = 0;
  for (std::size_t i = 0; i < n_; ++i) {
    p_sigma_[i] = (1 - c_sigma_) * p_sigma_[i] + std::sqrt(c_sigma_ * (2 - c_sigma_) * mu_eff_) * white[i];
    square += p_sigma_[i] * p_sigma_[i];
  }
  const double length = std::sqrt(square);

  // Covariance (45 to 47).
  const double settled = std::sqrt(1 - std::pow(1 - c_sigma_, 2 * static_cast<double>(generation_)));
  const bool h_sigma = length / settled < (1.4 + 2 / (n + 1)) * chi_n_;
  for (std::size_t i = 0; i < n_; ++i)
    p_c_[i] = (1 - c_c_) * p_c_[i] + (h_sigma ? std::sqrt(c_c_ * (2 - c_c_) * mu_eff_) * step[i] : 0);
  double sum = 0;
  for (const double w : weights_) sum += w;
  const double kept = 1 + (h_sigma ? 0 : c_1_ * c_c_ * (2 - c_c_)) - c_1_ - c_mu_ * sum;
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = 0; j < n_; ++j)
      covariance_[i * n_ + j] = kept * covariance_[i * n_ + j] + c_1_ * p_c_[i] * p_c_[j];
  for (std::size_t k = 0; k < y.size(); ++k) {
    double w = weights_[k];
    if (w < 0) {  // scaled so that C stays positive definite
      double norm = 0;
      for (const double x : whitened(y[k])) norm += x * x;
      w *= n / std::max(norm, 1e-300);
    }
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < n_; ++j) covariance_[i * n_ + j] += c_mu_ * w * y[k][i] * y[k][j];
  }
  sigma_ *= std::exp(c_sigma_ / d_sigma_ * (length / chi_n_ - 1));
  decompose();
}

// C is symmetric and positive definite, so that its singular vectors and values are its eigenvectors and eigenvalues.
void CmaEs::decompose() {
  const auto n = static_cast<std::int64_t>(n_);
  const lapack::Svd eigen = lapack::svd(Tensor::from(covariance_, {n, n}));
  for (std::size_t i = 0; i < n_ * n_; ++i) basis_[i] = eigen.u.at(static_cast<std::int64_t>(i));
  // A condition above 1e14 is beyond f64: the shortest axes are kept there.
  const double least = 1e-14 * eigen.s.at(0);
  for (std::size_t j = 0; j < n_; ++j)
    deviations_[j] = std::sqrt(std::max(eigen.s.at(static_cast<std::int64_t>(j)), least));
  const bool lost = !std::isfinite(sigma_) || !(eigen.s.at(0) > 0) || !(sigma_ > 0) ||
                    std::any_of(mean_.begin(), mean_.end(), [](double x) { return !std::isfinite(x); });
  if (lost)
    fail<NumericError>("[cma_es] sigma = {} after {} generations; start with a smaller one", sigma_, generation_);
}

}  // namespace glocal::hpo

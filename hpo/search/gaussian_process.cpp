#include <glocal/hpo/search/gaussian_process.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/core/tensor.h>

namespace glocal::hpo {
namespace {

// k(x_i, z_j) / signal as (N, M).
Tensor correlations(const Tensor& x, const Tensor& z, const std::vector<double>& length) {
  const std::int64_t n = x.dim(0), m = z.dim(0), d = x.dim(1);
  Tensor r({n, m}, DType::f64);
  const double *a = x.data<double>(), *b = z.data<double>();
  double* out = r.data<double>();
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < m; ++j) {
      double square = 0;
      for (std::int64_t k = 0; k < d; ++k) {
        const double step = (a[i * d + k] - b[j * d + k]) / length[static_cast<std::size_t>(k)];
        square += step * step;
      }
      const double r5 = std::sqrt(5 * square);
      out[i * m + j] = (1 + r5 + 5.0 / 3.0 * square) * std::exp(-r5);
    }
  }
  return r;
}

void check(const Tensor& x, const Tensor& y, const GpKernel& kernel) {
  if (x.rank() != 2 || y.rank() != 1 || x.dim(0) != y.dim(0) || x.dim(0) < 1)
    fail<ShapeError>("[gaussian_process] points {} and values {} should be (N, d) and (N,), N >= 1", x.shape(),
                     y.shape());
  if (static_cast<std::int64_t>(kernel.length.size()) != x.dim(1))
    fail<ShapeError>("[gaussian_process] {} lengths for points of {} dimensions", kernel.length.size(), x.dim(1));
  for (const double length : kernel.length)
    if (!(length > 0)) fail<ValueError>("[gaussian_process] length {} must be > 0", length);
  if (!(kernel.noise > 0) || !(kernel.signal >= 0))
    fail<ValueError>("[gaussian_process] noise {} must be > 0, signal {} not negative", kernel.noise, kernel.signal);
}

}  // namespace

GaussianProcess::GaussianProcess(Tensor x, const Tensor& y, GpKernel kernel)
    : x_(std::move(x)), kernel_(std::move(kernel)) {
  check(x_, y, kernel_);
  const std::int64_t n = x_.dim(0);
  Tensor k = correlations(x_, x_, kernel_.length);
  for (std::int64_t i = 0; i < n; ++i) k.data<double>()[i * n + i] += kernel_.noise;
  cholesky_ = lapack::cholesky(k);
  weights_ = lapack::cholesky_solve(cholesky_, y);
  double fit = 0, log_determinant = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    fit += y.at(i) * weights_.at(i);
    log_determinant += 2 * std::log(cholesky_.at(i * n + i));
  }
  const auto count = static_cast<double>(n);
  if (kernel_.signal == 0) kernel_.signal = std::max(fit / count, std::numeric_limits<double>::min());
  log_likelihood_ =
      -0.5 * (fit / kernel_.signal + log_determinant + count * std::log(2 * std::numbers::pi * kernel_.signal));
}

GaussianProcess::Posterior GaussianProcess::at(const Tensor& points) const {
  if (points.rank() != 2 || points.dim(1) != x_.dim(1))
    fail<ShapeError>("[gaussian_process] points {} should be (M, {})", points.shape(), x_.dim(1));
  const Tensor k = correlations(x_, points, kernel_.length);
  const Tensor v = lapack::cholesky_solve(cholesky_, k);
  const std::int64_t n = k.dim(0), m = k.dim(1);
  const double *a = k.data<double>(), *b = v.data<double>();
  Posterior posterior{std::vector<double>(static_cast<std::size_t>(m)),
                      std::vector<double>(static_cast<std::size_t>(m), 1.0)};
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < m; ++j) {
      posterior.mean[static_cast<std::size_t>(j)] += a[i * m + j] * weights_.at(i);
      posterior.variance[static_cast<std::size_t>(j)] -= a[i * m + j] * b[i * m + j];
    }
  }
  for (double& variance : posterior.variance) variance = kernel_.signal * std::max(variance, 0.0);
  return posterior;
}

GpKernel likeliest_kernel(const Tensor& x, const Tensor& y) {
  const auto d = static_cast<std::size_t>(x.dim(1));
  const double low = std::log(0.03), high = std::log(10), least_noise = std::log(1e-8), most_noise = 0;
  // theta = (log length_1..d, log noise)
  const auto kernel_of = [&](const std::vector<double>& theta) {
    GpKernel kernel{std::vector<double>(d), std::exp(theta[d]), 0};
    for (std::size_t k = 0; k < d; ++k) kernel.length[k] = std::exp(theta[k]);
    return kernel;
  };
  const auto likelihood = [&](const std::vector<double>& theta) {
    return GaussianProcess(x, y, kernel_of(theta)).log_likelihood();
  };
  std::vector<double> best;
  double reached = -std::numeric_limits<double>::infinity();
  const auto consider = [&](const std::vector<double>& theta) {
    const double value = likelihood(theta);
    if (!(value > reached)) return false;
    reached = value;
    best = theta;
    return true;
  };
  for (const double length : {0.1, 0.2, 0.4, 0.8, 1.6}) {
    for (const double noise : {1e-7, 1e-4, 1e-2}) {
      std::vector<double> theta(d, std::log(length));
      theta.push_back(std::log(noise));
      consider(theta);
    }
  }
  int rounds = 40;
  for (double step = 1; step > 0.05 && rounds > 0; --rounds) {
    bool better = false;
    for (std::size_t k = 0; k <= d; ++k) {
      for (const double way : {step, -step}) {
        std::vector<double> theta = best;
        theta[k] =
            k < d ? std::clamp(theta[k] + way, low, high) : std::clamp(theta[k] + 3 * way, least_noise, most_noise);
        if (consider(theta)) {
          better = true;
          break;
        }
      }
    }
    if (!better) step /= 2;
  }
  return kernel_of(best);
}

double expected_improvement(double mean, double variance, double best) {
  const double gain = best - mean;
  if (!(variance > 0)) return std::max(gain, 0.0);
  const double sigma = std::sqrt(variance), z = gain / sigma;
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
  const double below = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  return std::max(gain * below + sigma * density, 0.0);
}

}  // namespace glocal::hpo

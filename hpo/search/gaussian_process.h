// Exact Gaussian-process regression with a Matern 5/2 kernel, and the expected improvement of a point.
// Rasmussen & Williams, "Gaussian Processes for Machine Learning", MIT Press 2006, chapters 2 and 5.
#pragma once
#include <vector>

#include <glocal/core/tensor.h>

namespace glocal::hpo {

/// k(x, x') = signal (1 + r sqrt 5 + 5/3 r^2) exp(-r sqrt 5), r^2 = sum_d ((x_d - x'_d) / length_d)^2.
struct GpKernel {
  std::vector<double> length;  ///< (d,), > 0
  double noise = 1e-8;         ///< variance of the noise over signal, > 0: also the jitter
  double signal = 0;           ///< variance of the function; 0: the likeliest, y^T (R + noise I)^-1 y / N
};

class GaussianProcess {
 public:
  /// Of points x (N, d) and values y (N,), f64, around the mean 0. Throws ShapeError, ValueError for a kernel out of
  /// range, NumericError for numbers that are not finite.
  GaussianProcess(Tensor x, const Tensor& y, GpKernel kernel);

  struct Posterior {
    std::vector<double> mean, variance;  ///< (M,) each, of the function without its noise
  };
  Posterior at(const Tensor& points) const;  ///< (M, d)

  /// log p(y | x): R & W equation 2.30.
  double log_likelihood() const { return log_likelihood_; }
  const GpKernel& kernel() const { return kernel_; }  ///< signal filled in

 private:
  Tensor x_, cholesky_, weights_;  // L L^T = R + noise I, (R + noise I)^-1 y
  GpKernel kernel_;
  double log_likelihood_ = 0;
};

/// The kernel of the largest likelihood found for points in the unit cube and standardised values: lengths in
/// [0.03, 10], noise in [1e-8, 1], signal the likeliest. A grid of one common length, then a search along the
/// coordinates, in logarithms; deterministic.
GpKernel likeliest_kernel(const Tensor& x, const Tensor& y);

/// E[max(best - f, 0)] for f ~ N(mean, variance): Jones, Schonlau & Welch, J. Global Optimization 13, 1998, eq. 15.
double expected_improvement(double mean, double variance, double best);

}  // namespace glocal::hpo

// Standard error of a forecast from the residuals of its fit: the covariance of a nonlinear least-squares estimate.
#include <algorithm>
#include <cmath>
#include <limits>

#include <glocal/core/blas.h>
#include <glocal/hpo/dmd_series.h>

namespace glocal::hpo {
namespace {

using Complex = std::complex<double>;

// The model of entry j is sum_k Re(a_kj exp(alpha_k x)) over real modes and one of each pair. Its real columns, and for
// each parameter (alpha, or its two parts) the derivative of entry j.
struct RealModes {
  std::vector<Complex> alpha;
  std::vector<std::int64_t> mode;  // index into the fit
  std::vector<bool> pair,
      fixed;  // one of a conjugate pair; set to 1 by the policy
  std::int64_t columns = 0, parameters = 0;

  explicit RealModes(const DmdFit& fit) {
    for (std::size_t k = 0; k < fit.eigenvalues.size(); ++k) {
      const Complex lambda = fit.eigenvalues[k];
      if (lambda.imag() < 0 || std::abs(lambda) < 1e-8) continue;
      alpha.push_back(std::log(lambda));
      mode.push_back(static_cast<std::int64_t>(k));
      pair.push_back(lambda.imag() > 0);
      fixed.push_back(lambda == 1.0);
      columns += pair.back() ? 2 : 1;
      parameters += fixed.back() ? 0 : pair.back() ? 2 : 1;
    }
  }
  void values(double x, double* out) const {
    for (std::size_t k = 0; k < alpha.size(); ++k) {
      const Complex power = std::exp(alpha[k] * x);
      *out++ = power.real();
      if (pair[k]) *out++ = -power.imag();
    }
  }
  void slopes(const DmdFit& fit, std::int64_t j, double x, double* out) const {
    for (std::size_t k = 0; k < alpha.size(); ++k) {
      if (fixed[k]) continue;
      const double twice = pair[k] ? 2 : 1;
      const Complex slope = x * std::exp(alpha[k] * x) * (fit.amplitudes(mode[k], j) * (twice / fit.scale));
      *out++ = slope.real();
      if (pair[k]) *out++ = -slope.imag();
    }
  }
};

// Variance of a mean of correlated residuals over that of independent ones: (1 + rho) / (1 - rho), rho at lag 1.
double inflation(const std::vector<double>& rest) {
  double now = 0, next = 0;
  for (std::size_t t = 0; t < rest.size(); ++t) {
    now += rest[t] * rest[t];
    if (t > 0) next += rest[t] * rest[t - 1];
  }
  const double rho = now > 0 ? std::clamp(next / now, 0.0, 0.95) : 0;
  return (1 + rho) / (1 - rho);
}

}  // namespace

// With Phi (tau, c) the columns and J_j (tau, p) the derivatives of entry j in alpha, N_j = (1 - Phi Phi^+) J_j:
//   forecast_j = phi^T Phi^+ h_j,   d alpha = (sum_j N_j^T N_j)^+ sum_j N_j^T
//   e_j, variance = sigma_j^2 |phi^T Phi^+|^2 + g_j^T C g_j,   g_j = slope_j -
//   J_j^T (phi^T Phi^+)^T,   C = cov(d alpha).
std::vector<double> DmdFit::error_bar(double t) const {
  const std::vector<double> value = forecast(t);
  const std::int64_t q = amplitudes.cols, tau = snapshots;
  std::vector<double> out(static_cast<std::size_t>(q), 0.0);
  if (scale == 0) return out;
  const bool linear = options.time == DmdOptions::TimeAxis::linear;
  const std::int64_t first =
      linear ? 0
             : std::min<std::int64_t>(static_cast<std::int64_t>(options.bins_from * static_cast<double>(tau)), tau - 2);
  const std::int64_t rows = tau - first;
  const auto axis = [&](double i) { return linear ? i : log_time(i); };
  const RealModes modes(*this);
  const std::int64_t c = modes.columns, p = modes.parameters;
  const Tensor model = forecast_range(first, tau);
  std::vector<double> variance(out.size());
  for (std::int64_t j = 0; j < q; ++j) {
    std::vector<double> rest;
    double sum = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      rest.push_back((data.data<double>()[(first + i) * q + j] - model.data<double>()[i * q + j]) / scale);
      sum += rest.back() * rest.back();
    }
    const auto freedom = std::max(1.0, static_cast<double>(rows - c) - static_cast<double>(p) / static_cast<double>(q));
    variance[static_cast<std::size_t>(j)] = sum / freedom * inflation(rest);
  }
  if (c == 0) {
    for (std::size_t j = 0; j < out.size(); ++j) out[j] = scale * std::sqrt(variance[j]);
    return out;
  }
  // y = phi^T Phi^+ as the shortest solution of Phi^T y = phi.
  Tensor phi({rows, c}, DType::f64), transposed({c, rows}, DType::f64), at({c, 1}, DType::f64);
  for (std::int64_t i = 0; i < rows; ++i)
    modes.values(axis(static_cast<double>(first + i)), phi.data<double>() + i * c);
  for (std::int64_t i = 0; i < rows * c; ++i) transposed.data<double>()[i % c * rows + i / c] = phi.data<double>()[i];
  modes.values(axis(t), at.data<double>());
  const Tensor y = lapack::lstsq(transposed, at, 1e-12).x;
  const double length = blas::dot(rows, y.data<double>(), y.data<double>());
  for (std::size_t j = 0; j < out.size(); ++j) out[j] = variance[j] * length;
  if (p > 0) {
    Tensor all({q * rows, p}, DType::f64), gradients({q, p}, DType::f64);
    for (std::int64_t j = 0; j < q; ++j) {
      Tensor slopes({rows, p}, DType::f64);
      for (std::int64_t i = 0; i < rows; ++i)
        modes.slopes(*this, j, axis(static_cast<double>(first + i)), slopes.data<double>() + i * p);
      double* const g = gradients.data<double>() + j * p;
      modes.slopes(*this, j, axis(t), g);
      // Amplitudes of modes that nearly coincide may leave the range, where the forecast does not: no bar is known
      // then.
      if (!is_finite(slopes) || !std::all_of(g, g + p, [](double v) { return std::isfinite(v); }))
        return std::vector<double>(out.size(), std::numeric_limits<double>::infinity());
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t k = 0; k < p; ++k) g[k] -= y.at(i) * slopes.data<double>()[i * p + k];
      const Tensor inside = lapack::lstsq(phi, slopes, 1e-12).x;
      multiply(rows, p, c, phi.data<double>(), c, inside.data<double>(), all.data<double>() + j * rows * p, p);
      for (std::int64_t i = 0; i < rows * p; ++i)
        all.data<double>()[j * rows * p + i] = slopes.data<double>()[i] - all.data<double>()[j * rows * p + i];
    }
    // x_j = N (N^T N)^+ g_j: the weight of each residual in forecast j.
    Tensor n_transposed({p, q * rows}, DType::f64), wanted({p, q}, DType::f64);
    for (std::int64_t i = 0; i < q * rows * p; ++i)
      n_transposed.data<double>()[i % p * q * rows + i / p] = all.data<double>()[i];
    for (std::int64_t i = 0; i < q * p; ++i) wanted.data<double>()[i % p * q + i / p] = gradients.data<double>()[i];
    const Tensor x = lapack::lstsq(n_transposed, wanted, 1e-12).x;  // (q rows, q)
    for (std::int64_t i = 0; i < q * rows; ++i)
      for (std::int64_t j = 0; j < q; ++j) {
        const double weight = x.data<double>()[i * q + j];
        out[static_cast<std::size_t>(j)] += variance[static_cast<std::size_t>(i / rows)] * weight * weight;
      }
  }
  for (double& v : out) v = scale * std::sqrt(v);
  return out;
}

}  // namespace glocal::hpo

#include <glocal/hpo/dmd/model/error_bar.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/core/linalg/orthogonal.h>
#include <glocal/core/linalg/scaling.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/matrix.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {
namespace {

using Complex = std::complex<double>;

// The model of entry j is sum_k Re(a_kj exp(alpha_k x)) over real modes and one of each pair. Its real columns, and for
// each parameter (alpha, or its two parts) the derivative of entry j. That is linear in Re a_kj and Im a_kj, with
// columns that all entries share: the real and imaginary part of x exp(alpha_k x) for each mode that may move.
struct RealModes {
  struct Mode {
    Complex alpha;
    std::int64_t index;  // into the fit
    bool pair, fixed;    // one of a conjugate pair; set to 1 by the policy
  };
  std::vector<Mode> modes;
  std::int64_t columns = 0, parameters = 0, shared = 0;

  explicit RealModes(const DmdFit& fit) {
    for (std::size_t k = 0; k < fit.eigenvalues.size(); ++k) {
      const Complex lambda = fit.eigenvalues[k];
      if (lambda.imag() < 0 || std::abs(lambda) < 1e-8) continue;
      const bool pair = lambda.imag() > 0, fixed = lambda == 1.0;
      modes.push_back({std::log(lambda), static_cast<std::int64_t>(k), pair, fixed});
      columns += pair ? 2 : 1;
      parameters += fixed ? 0 : pair ? 2 : 1;
      shared += fixed ? 0 : 2;
    }
  }
  void values(double x, double* out) const {
    for (const Mode& mode : modes) {
      const Complex power = std::exp(mode.alpha * x);
      *out++ = power.real();
      if (mode.pair) *out++ = -power.imag();
    }
  }
  void shared_slopes(double x, double* out) const {
    for (const Mode& mode : modes) {
      if (mode.fixed) continue;
      const Complex slope = x * std::exp(mode.alpha * x);
      *out++ = slope.real();
      *out++ = slope.imag();
    }
  }
  // What the shared slopes are multiplied with in entry j: (modes that may move,).
  std::vector<Complex> weights(const DmdFit& fit, std::int64_t j) const {
    std::vector<Complex> out;
    for (const Mode& mode : modes)
      if (!mode.fixed) out.push_back(fit.amplitudes(mode.index, j) * ((mode.pair ? 2 : 1) / fit.scale));
    return out;
  }
  // A row of derivatives (parameters,) from one of shared slopes (shared,).
  void slopes(const double* shared_row, const std::vector<Complex>& weight, double* out) const {
    std::size_t k = 0;
    for (const Mode& mode : modes) {
      if (mode.fixed) continue;
      const Complex slope = Complex(shared_row[2 * k], shared_row[2 * k + 1]) * weight[k];
      *out++ = slope.real();
      if (mode.pair) *out++ = -slope.imag();
      ++k;
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

// Adds g_j^T C g_j to the variance of each forecast: what the residuals do to it through the modes. False where the
// derivatives leave the range: amplitudes of modes that nearly coincide may, though the forecast does not. `phi` and
// `y` as below; `axis` from the index of a snapshot, `first` that of the first row, to the x of the modes.
template <class Axis>
bool add_spread_of_modes(const DmdFit& fit, const RealModes& modes, const std::vector<double>& variance,
                         const Tensor& phi, const Tensor& y, std::int64_t first, Axis axis, double t,
                         std::vector<double>& out) {
  constexpr double rounding = 1e-12;
  const std::int64_t rows = phi.dim(0), c = phi.dim(1), q = fit.amplitudes.cols, n = modes.shared, p = modes.parameters;
  Tensor shared({rows, n}, DType::f64);
  std::vector<double> largest(static_cast<std::size_t>(n / 2), 0.0), target(static_cast<std::size_t>(n));
  modes.shared_slopes(axis(t), target.data());
  for (std::int64_t i = 0; i < rows; ++i) {
    double* const row = shared.data<double>() + i * n;
    modes.shared_slopes(axis(static_cast<double>(first + i)), row);
    for (std::int64_t k = 0; k < n; ++k) target[static_cast<std::size_t>(k)] -= y.at(i) * row[k];
    for (std::size_t k = 0; k < largest.size(); ++k)
      largest[k] = std::max(largest[k], std::hypot(row[2 * k], row[2 * k + 1]));
  }
  double size = 0;
  for (std::int64_t j = 0; j < q; ++j) {
    const std::vector<Complex> weight = modes.weights(fit, j);
    for (std::size_t k = 0; k < weight.size(); ++k) size = std::max(size, largest[k] * std::abs(weight[k]));
  }
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!is_finite(shared) || !finite(size) || !std::ranges::all_of(target, finite)) return false;
  const double factor = std::ldexp(1, shift_to_one(size));  // of all N_j and g_j; the spread is the same

  const Tensor inside = lapack::lstsq(phi, shared, rounding).x;
  orthogonal::RowQr of_shared(rows, n);
  std::vector<double> seen(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < rows; ++i) {
    multiply(1, n, c, phi.data<double>() + i * c, c, inside.data<double>(), seen.data(), n);
    double* const row = of_shared.next_row();
    for (std::int64_t k = 0; k < n; ++k) row[k] = shared.data<double>()[i * n + k] - seen[static_cast<std::size_t>(k)];
  }
  const double* const r_shared = of_shared.r();
  const std::int64_t height = of_shared.rows();

  orthogonal::RowQr all(q * height, p), weighted(q * height, p);
  const auto scaled_weights = [&](std::int64_t j) {
    std::vector<Complex> weight = modes.weights(fit, j);
    for (Complex& w : weight) w *= factor;
    return weight;
  };
  for (std::int64_t j = 0; j < q; ++j) {
    const std::vector<Complex> weight = scaled_weights(j);
    const double sigma = std::sqrt(variance[static_cast<std::size_t>(j)]);
    for (std::int64_t i = 0; i < height; ++i) {
      double *const row = all.next_row(), *const weighted_row = weighted.next_row();
      modes.slopes(r_shared + i * of_shared.stride(), weight, row);
      for (std::int64_t k = 0; k < p; ++k) weighted_row[k] = sigma * row[k];
    }
  }
  // Columns of one length, which costs no digits: those of modes that die out at once are tiny.
  double* const r = all.r();
  std::vector<double> unit(static_cast<std::size_t>(p), 0.0);
  for (std::int64_t i = 0; i < all.rows() * p; ++i) {
    double& length = unit[static_cast<std::size_t>(i % p)];
    length = std::hypot(length, r[i / p * all.stride() + i % p]);
  }
  for (double& length : unit) length = length > 0 ? 1 / length : 0;
  for (std::int64_t i = 0; i < all.rows() * p; ++i)
    r[i / p * all.stride() + i % p] *= unit[static_cast<std::size_t>(i % p)];
  const auto [vt, s] = orthogonal::left_svd(r, all.rows(), p, all.stride());
  const auto kept = std::count_if(s.begin(), s.end(), [&](double v) { return v > rounding * s[0]; });
  Tensor directions({p, kept}, DType::f64);  // T
  for (std::int64_t i = 0; i < p; ++i)
    for (std::int64_t k = 0; k < kept; ++k)
      directions.data<double>()[i * kept + k] =
          unit[static_cast<std::size_t>(i)] * vt.data<double>()[k * p + i] / s[static_cast<std::size_t>(k)];
  const double* const r_weighted = weighted.r();
  Tensor spread({weighted.rows(), kept}, DType::f64);  // R_w T
  multiply(weighted.rows(), kept, p, r_weighted, weighted.stride(), directions.data<double>(), spread.data<double>(),
           kept);
  std::vector<double> g(static_cast<std::size_t>(p)), along(static_cast<std::size_t>(kept)),
      moved(static_cast<std::size_t>(weighted.rows()));
  for (std::int64_t j = 0; j < q; ++j) {
    modes.slopes(target.data(), scaled_weights(j), g.data());
    multiply(1, kept, p, g.data(), p, directions.data<double>(), along.data(), kept);
    multiply(weighted.rows(), 1, kept, spread.data<double>(), kept, along.data(), moved.data(), 1);
    for (const double v : moved) out[static_cast<std::size_t>(j)] += v * v;
  }
  return true;
}

}  // namespace

// With Phi (tau, c) the columns and J_j (tau, p) the derivatives of entry j in alpha, N_j = (1 - Phi Phi^+) J_j:
//   forecast_j = phi^T Phi^+ h_j,   d alpha = (sum_j N_j^T N_j)^+ sum_j N_j^T e_j,
//   variance = sigma_j^2 |phi^T Phi^+|^2 + g_j^T C g_j,   g_j = slope_j - J_j^T (phi^T Phi^+)^T,   C = cov(d alpha).
// J_j = S L_j with columns S (tau, 2 modes) that all entries share, so that 1 - Phi Phi^+ = Q R_S is applied once and
// R_S L_j stands for N_j. With R^T R = sum_j N_j^T N_j = V s^2 V^T, T = V / s and R_w^T R_w = sum_j sigma_j^2 N_j^T N_j
// the last term is |R_w T T^T g_j|^2: p x p matrices only.
std::vector<double> error_bar(const DmdFit& fit, double t) {
  const std::vector<double> value = fit.forecast(t);
  const std::int64_t q = fit.amplitudes.cols, tau = fit.snapshots;
  std::vector<double> out(static_cast<std::size_t>(q), 0.0);
  if (fit.scale == 0) return out;
  const bool linear = fit.options.time == DmdOptions::TimeAxis::linear;
  const std::int64_t first =
      linear ? 0
             : std::min<std::int64_t>(static_cast<std::int64_t>(fit.options.bins_from * static_cast<double>(tau)),
                                      tau - 2);
  const std::int64_t rows = tau - first;
  const auto axis = [&](double i) { return linear ? i : fit.log_time(i); };
  const RealModes modes(fit);
  const std::int64_t c = modes.columns, p = modes.parameters;
  const Tensor model = fit.forecast_range(first, tau);
  std::vector<double> variance(out.size());
  for (std::int64_t j = 0; j < q; ++j) {
    std::vector<double> rest;
    double sum = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      rest.push_back((fit.data.data<double>()[(first + i) * q + j] - model.data<double>()[i * q + j]) / fit.scale);
      sum += rest.back() * rest.back();
    }
    const auto freedom = std::max(1.0, static_cast<double>(rows - c) - static_cast<double>(p) / static_cast<double>(q));
    variance[static_cast<std::size_t>(j)] = sum / freedom * inflation(rest);
  }
  if (c == 0) {
    for (std::size_t j = 0; j < out.size(); ++j) out[j] = fit.scale * std::sqrt(variance[j]);
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
  if (p > 0 && !add_spread_of_modes(fit, modes, variance, phi, y, first, axis, t, out))
    return std::vector<double>(out.size(), std::numeric_limits<double>::infinity());
  for (double& v : out) v = fit.scale * std::sqrt(v);
  return out;
}

}  // namespace glocal::hpo

#include <glocal/hpo/dmd/methods/variable_projection.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/linalg/orthogonal.h>
#include <glocal/core/simd/orthogonal.h>
#include <glocal/core/tensor.h>

namespace glocal::hpo {
namespace {

// What one evaluation leaves: the residual's square, and with it J^T J and J^T residual over the free parameters.
struct Linearised {
  double square = std::numeric_limits<double>::infinity();
  std::vector<double> normal, slope;
};

// Householder reflections turn [Phi, H, D] into [R, .., ..; 0, H', D']: below row r stand the parts of the data and of
// the derivatives that no amplitudes reach. The residual is H', its Jacobian in a_k is -sum_c D'_kc B_c (Kaufman).
void add(const SeparableBasis& basis, std::span<const double> a, const Tensor& h, double weight, Linearised& sum) {
  const std::int64_t rows = h.dim(0), w = h.dim(1), r = basis.columns;
  const auto d = static_cast<std::int64_t>(basis.derivatives.size());
  const std::int64_t width = r + d + w;
  Tensor all({rows, width}, DType::f64), work({2 * rows + 3 * width}, DType::f64);
  double* const x = all.data<double>();
  basis.fill(a, rows, x, width);
  for (std::int64_t i = 0; i < rows; ++i) std::copy_n(h.data<double>() + i * w, w, x + i * width + r + d);
  simd::orthogonal().triangularize(false, rows, width, r, x, width, work.data<double>());
  // Amplitudes B (r, w) by back substitution.
  Tensor amplitudes({r, w}, DType::f64);
  double* const b = amplitudes.data<double>();
  double largest = 0, smallest = std::numeric_limits<double>::infinity();
  for (std::int64_t i = r - 1; i >= 0; --i) {
    const double pivot = x[i * width + i];
    largest = std::max(largest, std::abs(pivot));
    smallest = std::min(smallest, std::abs(pivot));
    for (std::int64_t j = 0; j < w; ++j) {
      double rest = x[i * width + r + d + j];
      for (std::int64_t k = i + 1; k < r; ++k) rest -= x[i * width + k] * b[k * w + j];
      b[i * w + j] = rest / pivot;
    }
  }
  if (!(smallest > 1e-13 * largest)) {
    sum.square = std::numeric_limits<double>::infinity();
    return;
  }
  // Gram matrix of [D', H'] below row r: (d, d + w).
  std::vector<double> gram(static_cast<std::size_t>(d * (d + w)), 0.0);
  double square = 0;
  for (std::int64_t i = r; i < rows; ++i) {
    const double* const row = x + i * width + r;
    for (std::int64_t k = 0; k < d; ++k)
      for (std::int64_t j = k; j < d + w; ++j) gram[static_cast<std::size_t>(k * (d + w) + j)] += row[k] * row[j];
    for (std::int64_t j = d; j < d + w; ++j) square += row[j] * row[j];
  }
  sum.square += weight * square;
  const auto count = static_cast<std::int64_t>(a.size());
  const auto amplitude_of = [&](std::int64_t k) {
    return b + basis.derivatives[static_cast<std::size_t>(k)].column * w;
  };
  for (std::int64_t k = 0; k < d; ++k) {
    const std::int64_t pk = basis.derivatives[static_cast<std::size_t>(k)].parameter;
    for (std::int64_t l = 0; l < d; ++l) {
      double both = 0;
      for (std::int64_t j = 0; j < w; ++j) both += amplitude_of(k)[j] * amplitude_of(l)[j];
      const std::int64_t pl = basis.derivatives[static_cast<std::size_t>(l)].parameter;
      sum.normal[static_cast<std::size_t>(pk * count + pl)] +=
          weight * both * gram[static_cast<std::size_t>(std::min(k, l) * (d + w) + std::max(k, l))];
    }
    for (std::int64_t j = 0; j < w; ++j)
      sum.slope[static_cast<std::size_t>(pk)] -=
          weight * amplitude_of(k)[j] * gram[static_cast<std::size_t>(k * (d + w) + d + j)];
  }
}

Linearised linearised(const SeparableBasis& basis, std::span<const double> a, const std::vector<Tensor>& data,
                      const std::vector<double>& weights) {
  Linearised out{0, std::vector<double>(a.size() * a.size(), 0.0), std::vector<double>(a.size(), 0.0)};
  for (std::size_t k = 0; k < data.size() && std::isfinite(out.square); ++k) add(basis, a, data[k], weights[k], out);
  if (!std::isfinite(out.square)) out.square = std::numeric_limits<double>::infinity();
  return out;
}

// a - (J^T J + mu diag(J^T J))^{-1} J^T residual, fixed parameters left alone.
std::vector<double> stepped(const std::vector<double>& a, const std::vector<bool>& fixed, const Linearised& at,
                            double mu) {
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!fixed[i] && at.normal[i * a.size() + i] > 0) free.push_back(i);
  const auto n = static_cast<std::int64_t>(free.size());
  Tensor system({n, n + 1}, DType::f64);
  for (std::size_t i = 0; i < free.size(); ++i) {
    double* const row = system.data<double>() + i * (free.size() + 1);
    for (std::size_t j = 0; j < free.size(); ++j) row[j] = at.normal[free[i] * a.size() + free[j]];
    row[i] *= 1 + mu;
    row[n] = -at.slope[free[i]];
  }
  std::vector<double> out = a;
  if (n == 0) return out;
  const Tensor x = orthogonal::least_squares(system, n).x;
  for (std::size_t i = 0; i < free.size(); ++i) out[free[i]] += x.data<double>()[i];
  return out;
}

}  // namespace

SeparableFit variable_projection(const SeparableBasis& basis, std::vector<double> start, const std::vector<bool>& fixed,
                                 const std::vector<Tensor>& data, const std::vector<double>& weights) {
  constexpr int most_iterations = 20;
  constexpr double enough = 1e-7, least_mu = 1e-12, most_mu = 1e8;
  SeparableFit fit{std::move(start), 0, 0};
  Linearised at = linearised(basis, fit.parameters, data, weights);
  double mu = 1e-3;
  while (std::isfinite(at.square) && at.square > 0 && fit.iterations < most_iterations && mu < most_mu) {
    ++fit.iterations;
    const std::vector<double> trial = stepped(fit.parameters, fixed, at, mu);
    if (trial == fit.parameters) break;
    Linearised next = linearised(basis, trial, data, weights);
    if (next.square < at.square) {
      const double gain = (at.square - next.square) / at.square;
      fit.parameters = trial;
      at = std::move(next);
      mu = std::max(mu / 10, least_mu);
      if (gain < enough) break;
    } else {
      mu *= 10;
    }
  }
  fit.residual = std::sqrt(at.square);
  return fit;
}

}  // namespace glocal::hpo

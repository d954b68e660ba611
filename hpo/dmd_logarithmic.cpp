// The model in logarithmic time: each entry is a power of t + 1, fitted to means over log-spaced bins.
#include <algorithm>
#include <cmath>
#include <limits>

#include <glocal/hpo/dmd_series.h>

namespace glocal::hpo {
namespace {

// Mean of (t + 1)^p over the snapshots of one bin [begin, end).
double mean_power(std::int64_t begin, std::int64_t end, double p) {
  double sum = 0;
  for (std::int64_t t = begin; t < end; ++t) sum += std::pow(static_cast<double>(t + 1), p);
  return sum / static_cast<double>(end - begin);
}

struct PowerLaw {
  double exponent = 0, factor = 0, error = std::numeric_limits<double>::infinity();
};

// The best factor for an exponent, by least squares over bin means g.
PowerLaw with_exponent(double p, const std::vector<std::int64_t>& edges, const std::vector<double>& g) {
  double gb = 0, bb = 0, error = 0;
  std::vector<double> b(g.size());
  for (std::size_t j = 0; j < g.size(); ++j) {
    b[j] = mean_power(edges[j], edges[j + 1], p);
    gb += g[j] * b[j];
    bb += b[j] * b[j];
  }
  for (std::size_t j = 0; j < g.size(); ++j) error += std::pow(g[j] - gb / bb * b[j], 2);
  return {p, gb / bb, error};
}

// Least squares in both unknowns: the exponent by a scan of [-1.5, 0.5], then golden sections around the best.
PowerLaw fit_power_law(const std::vector<std::int64_t>& edges, const std::vector<double>& g) {
  constexpr double lowest = -1.5, highest = 0.5, spacing = 0.05, golden = 0.6180339887498949;
  PowerLaw best;
  for (int i = 0; i <= 40; ++i)
    if (const PowerLaw law = with_exponent(lowest + i * spacing, edges, g); law.error < best.error) best = law;
  double a = std::max(lowest, best.exponent - spacing), b = std::min(highest, best.exponent + spacing);
  for (int i = 0; i < 60; ++i) {
    const double left = b - golden * (b - a), right = a + golden * (b - a);
    const bool keep_left = with_exponent(left, edges, g).error < with_exponent(right, edges, g).error;
    (keep_left ? b : a) = keep_left ? right : left;
  }
  const PowerLaw refined = with_exponent((a + b) / 2, edges, g);
  return refined.error < best.error ? refined : best;
}

// Bin edges in t, log-spaced in t + 1; bins that hold no snapshot are dropped.
std::vector<std::int64_t> log_spaced(std::int64_t first, std::int64_t tau, int bins) {
  std::vector<std::int64_t> edges{first};
  const double ratio = static_cast<double>(tau + 1) / static_cast<double>(first + 1);
  for (int i = 1; i <= bins; ++i) {
    const double edge = static_cast<double>(first + 1) * std::pow(ratio, static_cast<double>(i) / bins) - 1;
    const std::int64_t rounded = i == bins ? tau : std::llround(edge);
    if (rounded > edges.back()) edges.push_back(rounded);
  }
  return edges;
}

}  // namespace

void fit_logarithmic(DmdFit& fit, const Tensor& scaled) {
  const std::int64_t tau = scaled.dim(0), q = scaled.dim(1);
  const auto first =
      std::min<std::int64_t>(static_cast<std::int64_t>(fit.options.bins_from * static_cast<double>(tau)), tau - 2);
  const auto edges = log_spaced(first, tau, fit.options.bins);
  if (edges.size() < static_cast<std::size_t>(fit.options.bins) + 1)
    fit.note = fmt::format("{} bins instead of {}: the others hold no snapshot", edges.size() - 1, fit.options.bins);
  fit.delays_used = 1;
  fit.rank = static_cast<int>(q);
  fit.amplitudes = lapack::CMatrix(q, q);
  for (std::int64_t i = 0; i < q; ++i) {
    std::vector<double> means;
    for (std::size_t j = 0; j + 1 < edges.size(); ++j) {
      double sum = 0;
      for (std::int64_t t = edges[j]; t < edges[j + 1]; ++t) sum += scaled.data<double>()[t * q + i];
      means.push_back(sum / static_cast<double>(edges[j + 1] - edges[j]));
    }
    const PowerLaw law = fit_power_law(edges, means);
    fit.eigenvalues.emplace_back(std::exp(law.exponent));
    fit.amplitudes(i, i) = law.factor * fit.scale;
  }
  fit.fitted_eigenvalues = fit.eigenvalues;
  // Relative residual over the snapshots that were fitted.
  const Tensor model = fit.forecast_range(first, tau);
  const double *const data = scaled.data<double>() + first * q, *const fitted = model.data<double>();
  double error = 0, size = 0;
  for (std::int64_t i = 0; i < model.size(); ++i) {
    error += std::pow(fitted[i] / (fit.scale > 0 ? fit.scale : 1) - data[i], 2);
    size += data[i] * data[i];
  }
  fit.residual = size > 0 ? std::sqrt(error / size) : std::sqrt(error);
}

}  // namespace glocal::hpo

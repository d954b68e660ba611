#include <glocal/hpo/dmd/methods/logarithmic.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>

namespace glocal::hpo {
namespace {

// Log-spaced bins of the snapshots: edges in t, and the time of snapshot 0.
struct Bins {
  std::vector<std::int64_t> edges;
  double origin = 1;

  // Mean of (t + origin)^p over the snapshots of bin j.
  double mean_power(std::size_t j, double p) const {
    double sum = 0;
    for (std::int64_t t = edges[j]; t < edges[j + 1]; ++t) sum += std::pow(static_cast<double>(t) + origin, p);
    return sum / static_cast<double>(edges[j + 1] - edges[j]);
  }
};

struct PowerLaw {
  double exponent = 0, factor = 0, error = std::numeric_limits<double>::infinity();
};

// The best factor for an exponent, by least squares over bin means g.
PowerLaw with_exponent(double p, const Bins& bins, const std::vector<double>& g) {
  double gb = 0, bb = 0, error = 0;
  std::vector<double> b(g.size());
  for (std::size_t j = 0; j < g.size(); ++j) {
    b[j] = bins.mean_power(j, p);
    gb += g[j] * b[j];
    bb += b[j] * b[j];
  }
  for (std::size_t j = 0; j < g.size(); ++j) error += std::pow(g[j] - gb / bb * b[j], 2);
  return {p, gb / bb, error};
}

// Least squares in both unknowns: the exponent by a scan of its range, then golden sections around the best.
PowerLaw fit_power_law(const Bins& edges, const std::vector<double>& g, double lowest, double highest) {
  constexpr double golden = 0.6180339887498949;
  const double spacing = (highest - lowest) / 40;
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

// Bin edges in t, log-spaced in t + origin; bins that hold no snapshot are dropped.
std::vector<std::int64_t> log_spaced(std::int64_t first, std::int64_t tau, int bins, double origin) {
  std::vector<std::int64_t> edges{first};
  const double begin = static_cast<double>(first) + origin, ratio = (static_cast<double>(tau) + origin) / begin;
  for (int i = 1; i <= bins; ++i) {
    const double edge = begin * std::pow(ratio, static_cast<double>(i) / bins) - origin;
    const std::int64_t rounded = i == bins ? tau : std::llround(edge);
    if (rounded > edges.back()) edges.push_back(rounded);
  }
  return edges;
}

}  // namespace

void fit_logarithmic(DmdFit& fit, const DmdSeries&) {
  const Tensor& h = fit.data;
  const std::int64_t tau = h.dim(0), q = h.dim(1);
  const double size_of_one = fit.scale > 0 ? fit.scale : 1;
  const auto first =
      std::min<std::int64_t>(static_cast<std::int64_t>(fit.options.bins_from * static_cast<double>(tau)), tau - 2);
  const auto edges = log_spaced(first, tau, fit.options.bins, 1 + fit.options.t0);
  if (edges.size() < static_cast<std::size_t>(fit.options.bins) + 1)
    fit.note = fmt::format("{} bins instead of {}: the others hold no snapshot", edges.size() - 1, fit.options.bins);
  fit.delays_used = 1;
  fit.rank = static_cast<int>(q);
  fit.amplitudes = lapack::CMatrix(q, q);
  for (std::int64_t i = 0; i < q; ++i) {
    std::vector<double> means;
    for (std::size_t j = 0; j + 1 < edges.size(); ++j) {
      double sum = 0;
      for (std::int64_t t = edges[j]; t < edges[j + 1]; ++t) sum += h.data<double>()[t * q + i] / size_of_one;
      means.push_back(sum / static_cast<double>(edges[j + 1] - edges[j]));
    }
    const PowerLaw law =
        fit_power_law({edges, 1 + fit.options.t0}, means, fit.options.lowest_exponent, fit.options.highest_exponent);
    const bool bound =
        std::min(law.exponent - fit.options.lowest_exponent, fit.options.highest_exponent - law.exponent) < 1e-9;
    if (bound)
      fit.note += fmt::format("{}the power of number {} is held at its bound {:g}", fit.note.empty() ? "" : "; ", i + 1,
                              law.exponent);
    fit.eigenvalues.emplace_back(std::exp(law.exponent));
    fit.amplitudes(i, i) = law.factor * fit.scale;
  }
  fit.fitted_eigenvalues = fit.eigenvalues;
  fit.residual = relative_residual(fit, first);
}

// Relative, over the snapshots from `first` on.

}  // namespace glocal::hpo

#include <glocal/hpo/dmd/methods/log_grid.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/methods/linear.h>
#include <glocal/hpo/dmd/methods/registry.h>
#include <glocal/hpo/dmd/methods/variable_projection.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/method.h>
#include <glocal/hpo/dmd/model/operator.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {
namespace {

using Complex = std::complex<double>;

// Equal bins of log u, u = t + 1 + t0; snapshot t stands for [u - 1/2, u + 1/2).
struct LogGrid {
  std::int64_t first = 0, tau = 0;
  double origin = 1, begin = 0,
         ratio = 1;  // bin j is [begin ratio^j, begin ratio^{j + 1})
  std::int64_t bins = 0;

  LogGrid(const DmdOptions& o, std::int64_t tau_in) : tau(tau_in), origin(1 + o.t0) {
    first = std::min(static_cast<std::int64_t>(o.bins_from * static_cast<double>(tau)), tau - 3);
    begin = static_cast<double>(first) + origin - 0.5;
    const double end = static_cast<double>(tau) + origin - 0.5;
    // The first bin is the shortest; it must not be shorter than a snapshot.
    const double most = std::log(end / begin) / std::log1p(1 / begin);
    bins = std::clamp<std::int64_t>(static_cast<std::int64_t>(most * (1 + 1e-12)), 3, o.bins);
    ratio = std::pow(end / begin, 1 / static_cast<double>(bins));
  }
  double spacing() const { return std::log(ratio); }
  double last() const { return static_cast<double>(tau - 1) + origin; }

  // Calls f(t, share) for the snapshots of bin j; shares sum to 1.
  template <class F>
  void each(std::int64_t j, F&& f) const {
    const double low = begin * std::pow(ratio, static_cast<double>(j)), high = low * ratio;
    for (auto t = std::max(first, static_cast<std::int64_t>(low - origin - 0.5)); t < tau; ++t) {
      const double u = static_cast<double>(t) + origin;
      if (u - 0.5 >= high) break;
      const double overlap = std::min(high, u + 0.5) - std::max(low, u - 0.5);
      if (overlap > 0) f(t, overlap / (high - low));
    }
  }
  Tensor means(const Tensor& h) const {
    Tensor out = Tensor::zeros({bins, h.dim(1)}, DType::f64);
    for (std::int64_t j = 0; j < bins; ++j)
      each(j, [&](std::int64_t t, double share) {
        for (std::int64_t i = 0; i < h.dim(1); ++i)
          out.data<double>()[j * h.dim(1) + i] += share * h.data<double>()[t * h.dim(1) + i];
      });
    return out;
  }
};

// Bin means of (u / last)^p, its real and imaginary part for one of a pair, with the derivatives in the parts of p.
SeparableBasis powers(const LogGrid& grid, const std::vector<bool>& pair) {
  SeparableBasis basis;
  std::int64_t parameter = 0;
  for (const bool two : pair) {
    for (int i = 0; i < (two ? 2 : 1); ++i)
      for (int j = 0; j < (two ? 2 : 1); ++j) basis.derivatives.push_back({parameter + j, basis.columns + i});
    basis.columns += two ? 2 : 1;
    parameter += two ? 2 : 1;
  }
  basis.fill = [grid, pair, r = basis.columns](std::span<const double> a, std::int64_t rows, double* out,
                                               std::int64_t width) {
    for (std::int64_t j = 0; j < rows; ++j) {
      double* const row = out + j * width;
      std::fill_n(row, width, 0.0);
      grid.each(j, [&](std::int64_t t, double share) {
        const double x = std::log((static_cast<double>(t) + grid.origin) / grid.last());
        double *y = row, *slope = row + r;
        std::size_t at = 0;
        for (const bool two : pair) {
          const Complex value = share * std::exp(Complex{a[at], two ? a[at + 1] : 0} * x);
          *y++ += value.real();
          *slope++ += x * value.real();
          if (two) {
            *y++ += value.imag();
            *slope++ -= x * value.imag();
            *slope++ += x * value.imag();
            *slope++ += x * value.real();
          }
          at += two ? 2 : 1;
        }
      });
    }
  };
  return basis;
}

struct Exponents {
  std::vector<double> numbers;  // p, or its two parts
  std::vector<bool> pair;
};

Exponents exponents(const std::vector<Complex>& eigenvalues, double spacing, int& dropped) {
  Exponents out;
  for (const Complex lambda : eigenvalues) {
    if (lambda.imag() < 0) continue;
    const bool two = lambda.imag() > 0;
    if (!two && lambda.real() < 1e-6) {
      ++dropped;
      continue;
    }
    const Complex p = std::log(lambda) / spacing;
    out.numbers.push_back(p.real());
    if (two) out.numbers.push_back(p.imag());
    out.pair.push_back(two);
  }
  return out;
}

// Each mode as e^p, both of a pair.
std::vector<Complex> per_unit(const Exponents& p) {
  std::vector<Complex> out;
  std::size_t at = 0;
  for (const bool two : p.pair) {
    out.push_back(std::exp(Complex{p.numbers[at], two ? p.numbers[at + 1] : 0}));
    if (two) out.push_back(std::conj(out.back()));
    at += two ? 2 : 1;
  }
  return out;
}

struct Amplitudes {
  Tensor x;  // (columns, q)
  double residual = 0;
};

Amplitudes amplitudes_of(const LogGrid& grid, const Exponents& p, const Tensor& means) {
  const SeparableBasis basis = powers(grid, p.pair);
  const std::int64_t r = basis.columns, q = means.dim(1),
                     width = r + static_cast<std::int64_t>(basis.derivatives.size());
  Tensor all({grid.bins, width}, DType::f64), ab({grid.bins, r + q}, DType::f64);
  basis.fill(p.numbers, grid.bins, all.data<double>(), width);
  for (std::int64_t j = 0; j < grid.bins; ++j) {
    std::copy_n(all.data<double>() + j * width, r, ab.data<double>() + j * (r + q));
    std::copy_n(means.data<double>() + j * q, q, ab.data<double>() + j * (r + q) + r);
  }
  const DmdSolution solved = solve(ab, r);
  return {solved.x, solved.residual};
}

Exponents limited(Exponents p, double highest) {
  std::size_t at = 0;
  for (const bool two : p.pair) {
    p.numbers[at] = std::min(p.numbers[at], highest);
    at += two ? 2 : 1;
  }
  return p;
}

// Exponents whose e^p is within the tolerance of 1 become 0; true when there were any.
bool settle(Exponents& p, double tolerance) {
  bool any = false;
  std::size_t at = 0;
  for (const bool two : p.pair) {
    if (!two && p.numbers[at] != 0 && std::abs(std::exp(p.numbers[at]) - 1) <= tolerance) {
      p.numbers[at] = 0;
      any = true;
    }
    at += two ? 2 : 1;
  }
  return any;
}

void set_modes(DmdFit& fit, const Exponents& p, const Amplitudes& solved, double last) {
  const std::int64_t q = solved.x.dim(1);
  fit.eigenvalues = per_unit(p);
  fit.rank = static_cast<int>(fit.eigenvalues.size());
  fit.amplitudes = lapack::CMatrix(fit.rank, q);
  std::int64_t mode = 0;
  std::size_t at = 0;
  for (const bool two : p.pair) {
    const Complex unit = fit.scale * std::exp(-std::log(last) * Complex{p.numbers[at], two ? p.numbers[at + 1] : 0});
    const double* const x = solved.x.data<double>() + mode * q;
    for (std::int64_t j = 0; j < q; ++j) {
      if (two) {
        fit.amplitudes(mode, j) = unit * Complex{x[j] / 2, -x[q + j] / 2};
        fit.amplitudes(mode + 1, j) = std::conj(fit.amplitudes(mode, j));
      } else {
        fit.amplitudes(mode, j) = unit * x[j];
      }
    }
    mode += two ? 2 : 1;
    at += two ? 2 : 1;
  }
}

}  // namespace

void fit_log_grid(DmdFit& fit, const DmdSeries& series) {
  using Policy = DmdOptions::Policy;
  constexpr double as_well = 1.05, rounding = 1e-12;
  const DmdOptions& o = fit.options;
  std::int64_t shortest = series.data.series[0].dim(0);
  for (const Tensor& h : series.data.series) shortest = std::min(shortest, h.dim(0));
  if (shortest != fit.snapshots)
    fail<ShapeError>("[dmd] logarithmic time needs series of one length, got {} and {}", fit.snapshots, shortest);
  const LogGrid grid(o, shortest);
  DmdData binned = series.data;
  for (Tensor& h : binned.series) h = grid.means(h);
  for (Tensor& h : binned.observables) h = grid.means(h);
  DmdOptions inner = o;
  inner.time = DmdOptions::TimeAxis::linear;
  inner.policy = Policy::raw;
  const DmdMethod& method = dmd_methods().at(o.method);
  if (method.refine) inner.method = method.start;
  const DmdSeries binned_series(binned, inner, dmd_methods().at(inner.method));
  DmdFit first = unfitted(binned_series, inner.rank);
  fit_linear(first, binned_series);
  fit.singular_values = first.singular_values;
  fit.delays_used = first.delays_used;
  fit.note = first.note;
  if (grid.bins < o.bins)
    fit.note += fmt::format("{}{} bins instead of {}: the others hold no snapshot", fit.note.empty() ? "" : "; ",
                            grid.bins, o.bins);
  const Tensor target = grid.means(fit.data);
  Tensor means = target.clone();
  for (double& v : means.span<double>()) v /= fit.scale > 0 ? fit.scale : 1;
  int dropped = 0;
  Exponents p = exponents(first.eigenvalues, grid.spacing(), dropped);
  if (dropped > 0)
    fit.note += fmt::format("{}{} modes that alternate from bin to bin or die at once were dropped",
                            fit.note.empty() ? "" : "; ", dropped);
  if (method.refine && !p.pair.empty()) {
    std::vector<Tensor> data;
    for (const Tensor& h : binned.series) {
      data.push_back(h.clone());
      for (double& v : data.back().span<double>()) v /= fit.scale;
    }
    p.numbers = variable_projection(powers(grid, p.pair), p.numbers, std::vector<bool>(p.numbers.size(), false), data,
                                    series.weights)
                    .parameters;
  }
  fit.fitted_eigenvalues = per_unit(p);
  fit.unstable = std::any_of(fit.fitted_eigenvalues.begin(), fit.fitted_eigenvalues.end(),
                             [&](Complex v) { return std::log(std::abs(v)) > o.highest_exponent + 1e-9; });
  fit.defective = first.defective;
  if (o.policy != Policy::raw) p = limited(std::move(p), o.highest_exponent);
  Amplitudes best = amplitudes_of(grid, p, means);
  if (o.policy == Policy::snap || o.policy == Policy::unit) {
    Exponents settled = p;
    if (settle(settled, o.snap_tolerance)) {
      Amplitudes refitted = amplitudes_of(grid, settled, means);
      if (o.policy == Policy::unit || refitted.residual <= as_well * best.residual + rounding) {
        p = std::move(settled);
        best = std::move(refitted);
        fit.snapped = true;
      }
    }
  }
  set_modes(fit, p, best, grid.last());
  if (o.policy == Policy::unit)
    for (std::int64_t k = 0; k < fit.rank; ++k)
      if (fit.eigenvalues[static_cast<std::size_t>(k)] != 1.0)
        for (std::int64_t j = 0; j < fit.amplitudes.cols; ++j) fit.amplitudes(k, j) = 0;
  fit.residual = relative_residual(fit, grid.first);
}

}  // namespace glocal::hpo

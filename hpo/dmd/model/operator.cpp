#include <glocal/hpo/dmd/model/operator.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/core/linalg/orthogonal.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/matrix.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {
namespace {

using Complex = std::complex<double>;

// [readout * step^t] for t = 0 .. tau - 1, stacked and with room for `more` columns: (tau w, r + more).
Tensor observations(const Tensor& readout, const Tensor& step, std::int64_t tau, std::int64_t more) {
  const std::int64_t w = readout.dim(0), r = readout.dim(1), width = r + more;
  Tensor out({tau * w, width}, DType::f64);
  double* const rows = out.data<double>();
  for (std::int64_t i = 0; i < w; ++i) std::copy_n(readout.data<double>() + i * r, r, rows + i * width);
  multiply((tau - 1) * w, r, r, rows, width, step.data<double>(), rows + w * width, width);  // row by row, in order
  return out;
}

// step^t start as row t, with room for `more` columns: (tau, r + more).
Tensor states(const DmdModel& model, const Tensor& start, std::int64_t tau, std::int64_t more) {
  const std::int64_t r = start.dim(0), width = r + more;
  Tensor out({tau, width}, DType::f64);
  double* const rows = out.data<double>();
  std::copy_n(start.data<double>(), r, rows);
  for (std::int64_t t = 0; t + 1 < tau; ++t)
    multiply(r, 1, r, model.step.data<double>(), r, rows + t * width, rows + (t + 1) * width, 1);
  return out;
}

// step + sum_k (wanted_k - lambda_k) v_k u_k^H / (u_k^H v_k): moves eigenvalues, keeps eigenvectors and all other
// modes, near-defective ones included. Conjugate pairs move together, so the sum is real.
Tensor moved(const Tensor& step, const DmdModes& modes, const std::vector<Complex>& wanted) {
  const std::int64_t r = step.dim(0);
  Tensor out = step.clone();
  double* const numbers = out.data<double>();
  for (std::int64_t k = 0; k < r; ++k) {
    const auto index = static_cast<std::size_t>(k);
    const Complex shift = wanted[index] - modes.eig.values[index];
    if (shift == Complex{} || modes.overlap[index] == Complex{}) continue;
    const Complex weight = shift / modes.overlap[index];
    for (std::int64_t i = 0; i < r; ++i)
      for (std::int64_t j = 0; j < r; ++j)
        numbers[i * r + j] += (weight * modes.eig.vectors(i, k) * std::conj(modes.eig.left(j, k))).real();
  }
  return out;
}

const Tensor& shared_or(const std::vector<Tensor>& list, std::size_t k) { return list[list.size() == 1 ? 0 : k]; }

}  // namespace

DmdSolution solve(const Tensor& ab, std::int64_t n) {
  return solve([&] { return ab.clone(); }, n);
}

DmdSolution solve(const std::function<Tensor()>& make, std::int64_t n) {
  constexpr double well_conditioned = 1e10;
  Tensor ab = make();
  const std::int64_t rows = ab.dim(0), width = ab.dim(1), p = width - n;
  if (rows >= n) {
    auto solved = orthogonal::least_squares(ab, n);
    if (solved.condition < well_conditioned) return {solved.x, solved.residual};
    ab = Tensor();
    ab = make();
  }
  Tensor a({rows, n}, DType::f64), b({rows, p}, DType::f64);
  for (std::int64_t i = 0; i < rows; ++i) {
    std::copy_n(ab.data<double>() + i * width, n, a.data<double>() + i * n);
    std::copy_n(ab.data<double>() + i * width + n, p, b.data<double>() + i * p);
  }
  DmdSolution out{lapack::lstsq(a, b).x, 0};
  Tensor fitted({rows, p}, DType::f64);
  multiply(rows, p, n, a.data<double>(), n, out.x.data<double>(), fitted.data<double>(), p);
  for (std::int64_t i = 0; i < fitted.size(); ++i)
    out.residual = std::hypot(out.residual, fitted.data<double>()[i] - b.data<double>()[i]);
  return out;
}

DmdModes::DmdModes(const Tensor& step) : eig(lapack::eig(step)) {
  const std::int64_t r = step.dim(0);
  for (std::int64_t k = 0; k < r; ++k) {
    Complex sum = 0;
    for (std::int64_t i = 0; i < r; ++i) sum += std::conj(eig.left(i, k)) * eig.vectors(i, k);
    overlap.push_back(sum);
  }
}

bool DmdModes::defective() const {
  return std::any_of(overlap.begin(), overlap.end(), [](Complex o) { return std::abs(o) < 1e-6; });
}

std::vector<Complex> clipped(std::vector<Complex> values) {
  for (Complex& v : values)
    if (const double size = std::abs(v); size > 1) v /= size;
  return values;
}

std::vector<Complex> snapped(std::vector<Complex> values, double tolerance) {
  for (Complex& v : values)
    if (std::abs(v - 1.0) <= tolerance) v = 1;
  return values;
}

void refit_starts(DmdModel& model, const std::vector<Tensor>& series, const std::vector<double>& weights) {
  const Tensor& readout = model.readouts[0];
  const std::int64_t w = readout.dim(0), r = readout.dim(1);
  double sum = 0;
  model.starts.clear();
  for (std::size_t k = 0; k < series.size(); ++k) {
    const auto system = [&] {
      const std::int64_t tau = series[k].dim(0);
      Tensor ab = observations(readout, model.step, tau, 1);
      for (std::int64_t i = 0; i < tau * w; ++i) ab.data<double>()[i * (r + 1) + r] = series[k].data<double>()[i];
      return ab;
    };
    const DmdSolution solved = solve(system, r);
    model.starts.push_back(solved.x);
    sum += weights[k] * solved.residual * solved.residual;
  }
  model.residual = std::sqrt(sum);
}

void refit_readouts(DmdModel& model, const std::vector<Tensor>& series, const std::vector<double>& weights) {
  const std::int64_t r = model.step.dim(0), w = series[0].dim(1);
  double sum = 0;
  model.readouts.clear();
  for (std::size_t k = 0; k < series.size(); ++k) {
    const std::int64_t tau = series[k].dim(0);
    Tensor ab = states(model, model.starts[0], tau, w);
    for (std::int64_t t = 0; t < tau; ++t)
      std::copy_n(series[k].data<double>() + t * w, w, ab.data<double>() + t * (r + w) + r);
    const DmdSolution solved = solve(ab, r);
    Tensor readout({w, r}, DType::f64);
    for (std::int64_t i = 0; i < w * r; ++i) readout.data<double>()[i] = solved.x.data<double>()[i % r * w + i / r];
    model.readouts.push_back(readout);
    sum += weights[k] * solved.residual * solved.residual;
  }
  model.residual = std::sqrt(sum);
}

double misfit(const DmdModel& model, const std::vector<Tensor>& series, const std::vector<double>& weights) {
  const std::int64_t r = model.step.dim(0), w = series[0].dim(1);
  std::vector<double> row(static_cast<std::size_t>(w));
  double sum = 0;
  for (std::size_t k = 0; k < series.size(); ++k) {
    const Tensor& readout = shared_or(model.readouts, k);
    const Tensor path = states(model, shared_or(model.starts, k), series[k].dim(0), 0);
    for (std::int64_t t = 0; t < path.dim(0); ++t) {
      multiply(w, 1, r, readout.data<double>(), r, path.data<double>() + t * r, row.data(), 1);
      for (std::int64_t i = 0; i < w; ++i) {
        const double rest = row[static_cast<std::size_t>(i)] - series[k].data<double>()[t * w + i];
        sum += weights[k] * rest * rest;
      }
    }
  }
  return std::sqrt(sum);
}

void apply_policy(DmdFit& fit, DmdModel& model, const DmdModes& modes, const std::vector<Complex>& fitted, double size,
                  const std::function<void(DmdModel&)>& refit) {
  using Policy = DmdOptions::Policy;
  constexpr double as_well = 1.05, rounding = 1e-12;
  const Tensor operator_ = model.step;
  fit.fitted_eigenvalues = fitted;
  fit.eigenvalues = modes.eig.values;
  fit.defective = modes.defective();
  fit.unstable = std::any_of(fitted.begin(), fitted.end(), [](Complex v) { return std::abs(v) > 1 + 1e-9; });
  const Policy policy = fit.options.policy;
  if (policy == Policy::raw) return;
  fit.eigenvalues = clipped(modes.eig.values);
  model.step = moved(operator_, modes, fit.eigenvalues);
  refit(model);
  if (policy == Policy::clip) return;
  if (const auto settled = snapped(fit.eigenvalues, fit.options.snap_tolerance); settled != fit.eigenvalues) {
    DmdModel candidate = model;
    candidate.step = moved(operator_, modes, settled);
    refit(candidate);
    if (policy == Policy::unit || candidate.residual <= as_well * model.residual + rounding * size) {
      model = std::move(candidate);
      fit.eigenvalues = settled;
      fit.snapped = true;
    }
  }
  if (policy == Policy::unit) {
    for (Complex& v : fit.eigenvalues)
      if (v != 1.0) v = 0;
    model.step = moved(operator_, modes, fit.eigenvalues);
  }
}

void set_amplitudes(DmdFit& fit, const DmdModes& modes) {
  const std::int64_t r = fit.step.dim(0), q = fit.readout.dim(0);
  const double *const start = fit.start.data<double>(), *const readout = fit.readout.data<double>();
  fit.amplitudes = lapack::CMatrix(r, q);
  for (std::int64_t k = 0; k < r; ++k) {
    Complex weight = 0;
    for (std::int64_t i = 0; i < r; ++i) weight += std::conj(modes.eig.left(i, k)) * start[i];
    const Complex overlap = modes.overlap[static_cast<std::size_t>(k)];
    if (overlap != Complex{}) weight *= fit.scale / overlap;
    for (std::int64_t j = 0; j < q; ++j) {
      Complex seen = 0;
      for (std::int64_t i = 0; i < r; ++i) seen += readout[j * r + i] * modes.eig.vectors(i, k);
      fit.amplitudes(k, j) = weight * seen;
    }
  }
}

}  // namespace glocal::hpo

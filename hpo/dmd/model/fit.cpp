#include <glocal/hpo/dmd/model/fit.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/matrix.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {
namespace {

using Complex = std::complex<double>;

// Re sum_k lambda_k^x amplitudes(k, :).
std::vector<double> sum_of_modes(const DmdFit& fit, double x) {
  std::vector<double> out(static_cast<std::size_t>(fit.amplitudes.cols));
  for (std::int64_t k = 0; k < fit.amplitudes.rows; ++k) {
    const Complex lambda = fit.eigenvalues[static_cast<std::size_t>(k)];
    const Complex power = x == 0 ? 1.0 : lambda == 0.0 ? 0.0 : std::pow(lambda, x);
    for (std::int64_t j = 0; j < fit.amplitudes.cols; ++j)
      out[static_cast<std::size_t>(j)] += (power * fit.amplitudes(k, j)).real();
  }
  return out;
}

// step^t start, by repeated squaring.
std::vector<double> state(const DmdFit& fit, std::int64_t t) {
  const std::int64_t r = fit.rank;
  std::vector<double> z(fit.start.span<double>().begin(), fit.start.span<double>().end()), moved_z(z.size());
  std::vector<double> power(fit.step.span<double>().begin(), fit.step.span<double>().end()), square(power.size());
  for (; t > 0; t /= 2) {
    if (t % 2) {
      multiply(r, 1, r, power.data(), r, z.data(), moved_z.data(), 1);
      z.swap(moved_z);
    }
    if (t > 1) {
      multiply(r, r, r, power.data(), r, power.data(), square.data(), r);
      power.swap(square);
    }
  }
  return z;
}

// h = scale * readout * z.
void observe(const DmdFit& fit, const std::vector<double>& z, double* h) {
  const std::int64_t q = fit.readout.dim(0);
  multiply(q, 1, fit.rank, fit.readout.data<double>(), fit.rank, z.data(), h, 1);
  for (std::int64_t i = 0; i < q; ++i) h[i] *= fit.scale;
}

}  // namespace

double DmdFit::log_time(double t) const { return std::log(t + 1 + options.t0); }

std::vector<double> DmdFit::forecast(double t) const {
  if (!(t >= 0 && t <= 0x1p53)) fail<ValueError>("[dmd] forecast index must be from 0 to 2^53, got {}", t);
  if (options.time != DmdOptions::TimeAxis::linear) return sum_of_modes(*this, log_time(t));
  if (t != std::floor(t)) return sum_of_modes(*this, t);
  std::vector<double> h(static_cast<std::size_t>(readout.dim(0)));
  observe(*this, state(*this, static_cast<std::int64_t>(t)), h.data());
  return h;
}

Tensor DmdFit::forecast_range(std::int64_t begin, std::int64_t end) const {
  if (begin < 0 || end < begin) fail<ValueError>("[dmd] cannot forecast the indices from {} to {}", begin, end);
  const std::int64_t q = amplitudes.cols;
  Tensor out({end - begin, q}, DType::f64);
  double* h = out.data<double>();
  if (options.time != DmdOptions::TimeAxis::linear) {
    for (std::int64_t t = begin; t < end; ++t, h += q)
      std::ranges::copy(sum_of_modes(*this, log_time(static_cast<double>(t))), h);
    return out;
  }
  std::vector<double> z = state(*this, begin), next(z.size());
  for (std::int64_t t = begin; t < end; ++t, h += q) {
    observe(*this, z, h);
    multiply(rank, 1, rank, step.data<double>(), rank, z.data(), next.data(), 1);
    z.swap(next);
  }
  return out;
}

Tensor DmdFit::reconstruct() const { return forecast_range(0, snapshots); }

double relative_residual(const DmdFit& fit, std::int64_t first) {
  const std::int64_t q = fit.data.dim(1);
  const Tensor model = fit.forecast_range(first, fit.snapshots);
  const double *const data = fit.data.data<double>() + first * q, *const fitted = model.data<double>();
  double error = 0, size = 0;
  for (std::int64_t i = 0; i < model.size(); ++i) {
    error = std::hypot(error, fitted[i] - data[i]);
    size = std::hypot(size, data[i]);
  }
  return size > 0 ? error / size : error;
}

}  // namespace glocal::hpo

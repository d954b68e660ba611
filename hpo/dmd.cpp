#include <glocal/hpo/dmd.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd_model.h>
#include <glocal/hpo/dmd_series.h>

namespace glocal::hpo {
namespace {

using Complex = std::complex<double>;
using Method = DmdOptions::Method;

double norm(const std::vector<Tensor>& series, const std::vector<double>& weights) {
  double sum = 0;
  for (std::size_t k = 0; k < series.size(); ++k)
    for (const double v : series[k].span<double>()) sum += weights[k] * v * v;
  return std::sqrt(sum);
}

// One readout and one start for what the fit stands for: of the first series, or of the weighted mean.
void choose_target(DmdFit& fit, const DmdSeries& series, const DmdModel& model) {
  const auto pick = [&](const std::vector<Tensor>& list) {
    if (list.size() == 1 || fit.options.forecasts == DmdOptions::Forecasts::first) return list[0];
    Tensor mean = Tensor::zeros(list[0].shape(), DType::f64);
    for (std::size_t k = 0; k < list.size(); ++k)
      for (std::int64_t i = 0; i < mean.size(); ++i)
        mean.data<double>()[i] += list[k].data<double>()[i] * (series.weights[k] / static_cast<double>(list.size()));
    return mean;
  };
  fit.step = model.step;
  fit.readout = series.readout_of_h(pick(model.readouts));
  fit.start = pick(model.starts);
  if (model.readouts.size() == 1) fit.starts = model.starts;
}

void fit_linear(DmdFit& fit, const DmdSeries& series) {
  const Method method = fit.options.method;
  const std::int64_t m = series.delays, w = series.scaled[0].dim(1);
  std::int64_t columns = 0, stride = 0;
  series.windows(series.window, method == Method::least_squares ? 1 : 0, columns, stride);
  fit.delays_used = static_cast<int>(m);
  fit.note = series.note;
  fit.singular_values = series.svd.s;
  std::int64_t r = choose_rank(fit.singular_values, series.window * w, columns, fit.options.rank, fit.options.energy);
  r = std::min(r, m * w);
  fit.rank = static_cast<int>(r);
  if (r < fit.options.rank)
    fit.note += fmt::format("{}rank {} instead of {}: the other singular values are rounding",
                            fit.note.empty() ? "" : "; ", r, fit.options.rank);
  DmdModel model = r == 0 || method == Method::least_squares ? least_squares_model(series, r)
                   : method == Method::forward_backward      ? forward_backward_model(series, r, fit.note)
                                                             : total_least_squares_model(series, r);
  std::function<void(DmdModel&)> refit = [&](DmdModel& one) { refit_starts(one, series.scaled, series.weights); };
  std::vector<Complex> fitted;
  if (r > 0 && method == Method::optimised) {
    const bool bounded = fit.options.policy != DmdOptions::Policy::raw;
    if (optimise(model, series, bounded, fitted, fit.note))
      refit = [&](DmdModel& one) { refit_readouts(one, series.scaled, series.weights); };
  }
  const DmdModes modes(model.step);
  if (fitted.empty()) fitted = modes.eig.values;
  const double size = norm(series.scaled, series.weights);
  apply_policy(fit, model, modes, fitted, size, refit);
  if (fit.options.policy == DmdOptions::Policy::raw) model.residual = misfit(model, series.scaled, series.weights);
  fit.residual = size > 0 ? model.residual / size : model.residual;
  choose_target(fit, series, model);
  set_amplitudes(fit, modes);
}

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

DmdFit DmdSeries::fit(int rank) const {
  constexpr double half_of_the_squares = 0.7071067811865476;
  DmdFit fit;
  fit.options = options;
  fit.options.rank = rank;
  fit.data = target();
  fit.snapshots = fit.data.dim(0);
  fit.scale = scale;
  if (options.time == DmdOptions::TimeAxis::linear)
    fit_linear(fit, *this);
  else if (options.time == DmdOptions::TimeAxis::logarithmic)
    fit_logarithmic(fit, *this);
  else
    fit_log_grid(fit, *this);
  fit.noise_dominated = fit.residual > half_of_the_squares;
  return fit;
}

DmdFit fit_dmd(const DmdData& data, const DmdOptions& options) { return DmdSeries(data, options).fit(options.rank); }

}  // namespace glocal::hpo

#include <glocal/hpo/dmd/methods/linear.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/methods/least_squares.h>
#include <glocal/hpo/dmd/methods/registry.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/method.h>
#include <glocal/hpo/dmd/model/operator.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {
namespace {

using Complex = std::complex<double>;

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

}  // namespace

void fit_linear(DmdFit& fit, const DmdSeries& series) {
  const DmdMethod& method = dmd_methods().at(fit.options.method);
  const std::int64_t m = series.delays, w = series.scaled[0].dim(1);
  std::int64_t columns = 0, stride = 0;
  series.windows(series.window, method.drop, columns, stride);
  fit.delays_used = static_cast<int>(m);
  fit.note = series.note;
  fit.singular_values = series.svd.s;
  std::int64_t r = choose_rank(fit.singular_values, series.window * w, columns, fit.options.rank, fit.options.energy);
  r = std::min(r, m * w);
  fit.rank = static_cast<int>(r);
  if (r < fit.options.rank)
    fit.note += fmt::format("{}rank {} instead of {}: the other singular values are rounding",
                            fit.note.empty() ? "" : "; ", r, fit.options.rank);
  DmdModel model = r == 0 ? least_squares_model(series, r) : method.model(series, r, fit.note);
  std::function<void(DmdModel&)> refit = [&](DmdModel& one) { refit_starts(one, series.scaled, series.weights); };
  std::vector<Complex> fitted;
  if (r > 0 && method.refine) {
    const bool bounded = fit.options.policy != DmdOptions::Policy::raw;
    if (method.refine(model, series, bounded, fitted, fit.note))
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

}  // namespace glocal::hpo

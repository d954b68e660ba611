#include <glocal/hpo/dmd/dmd.h>

#include <glocal/hpo/dmd/methods/linear.h>
#include <glocal/hpo/dmd/methods/log_grid.h>
#include <glocal/hpo/dmd/methods/logarithmic.h>
#include <glocal/hpo/dmd/methods/registry.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {

DmdFit fit_dmd(const DmdSeries& series, int rank) {
  constexpr double half_of_the_squares = 0.7071067811865476;
  DmdFit fit = unfitted(series, rank);
  if (series.options.time == DmdOptions::TimeAxis::linear)
    fit_linear(fit, series);
  else if (series.options.time == DmdOptions::TimeAxis::logarithmic)
    fit_logarithmic(fit, series);
  else
    fit_log_grid(fit, series);
  fit.noise_dominated = fit.residual > half_of_the_squares;
  return fit;
}

DmdSeries dmd_series(const DmdData& data, const DmdOptions& options) {
  return {data, options, dmd_methods().at(options.method)};
}

DmdFit fit_dmd(const DmdData& data, const DmdOptions& options) {
  return fit_dmd(dmd_series(data, options), options.rank);
}

}  // namespace glocal::hpo

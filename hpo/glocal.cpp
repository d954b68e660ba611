#include <glocal/hpo/glocal.h>

#include <algorithm>

namespace glocal::hpo {

Forecast glocal_forecast(const Tensor& trajectory, std::int64_t horizon, const DmdOptions& options) {
  const std::int64_t tau = trajectory.dim(0);
  if (horizon < tau)
    fail<ValueError>("[glocal] horizon {} lies before the end of the block of {} steps; extrapolate forwards", horizon,
                     tau);
  return forecast_with_holdout(trajectory, static_cast<double>(horizon - 1), options);
}

std::int64_t Glocal::steps(const Progress& progress) const { return std::min(tau, progress.T - progress.t); }

Estimate Glocal::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const std::int64_t t0 = progress.t;
  Tangents z = zero_tangents(components(phi), progress.s.size());
  ForwardRun run = run_forward(problem, std::move(progress.s), std::move(z), phi, t0, steps(progress),
                               /*trajectory=*/true);
  progress.t += run.trajectory.dim(0);
  progress.s = std::move(run.s);
  Forecast forecast = glocal_forecast(run.trajectory, progress.T - t0, dmd);
  return {forecast.value, run.outer, run.trajectory, std::move(forecast)};
}

}  // namespace glocal::hpo

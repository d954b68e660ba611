#include <glocal/hpo/estimators/glocal.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/estimators/cost.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/finite.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/forecast/options.h>
#include <glocal/hpo/forecast/scaling.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/forward.h>

namespace glocal::hpo {
namespace {

Tensor first_rows(const Tensor& a, std::int64_t rows) {
  Shape shape{rows};
  if (a.rank() == 2) shape = {rows, a.dim(1)};
  return Tensor::from(a.span<double>().first(static_cast<std::size_t>(rows * (a.size() / a.dim(0)))), shape);
}

}  // namespace

Forecast glocal_forecast(const Tensor& trajectory, const Tensor& outers, std::int64_t t0, std::int64_t horizon,
                         const EstimatorOptions& options) {
  const std::int64_t tau = trajectory.dim(0);
  if (horizon < tau)
    fail<ValueError>("[glocal] horizon {} lies before the end of the block of {} steps; extrapolate forwards", horizon,
                     tau);
  const double target = static_cast<double>(horizon - 1);
  const bool automatic = options.extrapolation == Extrapolation::automatic;
  const bool dmd = options.extrapolation == Extrapolation::dmd || (automatic && tau < shortest_scaling);
  if (dmd || (automatic && least_skill(trajectory) < exact_skill)) {
    Forecast forecast = forecast_dmd(trajectory, target, options.dmd);
    if (dmd || forecast.skill < exact_skill) return forecast;
  }
  ScalingOptions scaling = options.scaling;
  scaling.t0 = static_cast<double>(t0);
  return forecast_scaling(trajectory, outers, target, scaling);
}

Estimate Glocal::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const std::int64_t t0 = progress.block_start();
  if (!progress.block) progress.z = zero_tangents(components(phi), progress.s.size());
  ForwardRun run = run_forward(problem, phi, progress, steps(progress), /*trajectory=*/true);
  progress.z.clear();
  const bool explodes = run.growth > exploding;
  const std::int64_t block = run.outers.size();
  const std::int64_t used = explodes ? std::max(run.stable_steps, std::min(block, shortest_scaling)) : block;
  Forecast forecast =
      glocal_forecast(first_rows(run.trajectory, used), first_rows(run.outers, used), t0, progress.T - t0, options);
  Estimate estimate{forecast.value, run.outer, run.trajectory, {}};
  check_finite(name(), problem, phi, estimate.outer, estimate.h, progress.t);
  if (explodes) {
    forecast.unstable = true;
    estimate.note = fmt::format(
        "the tangents grow like t^{:.1f}: the exact hypergradient explodes before the end of training; the forecast is "
        "made from the first {} steps of the block",
        run.growth, used);
  }
  estimate.forecast = std::make_shared<const Forecast>(std::move(forecast));
  return estimate;
}

Cost Glocal::cost(const Probe& p, std::int64_t T, std::int64_t) const { return forward_cost(p, T, tau, tau); }

std::int64_t Glocal::gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t) const {
  return forward_gradients(q, T, tau, tau);
}

Kept Glocal::kept(std::int64_t q) const { return {.block = Kept::Block::tangents, .tangents = q, .trajectory = true}; }

std::vector<EstimatorKind> Glocal::kinds() {
  return {{"glocal", "local, extrapolated to the end of training", "blue",
           [](const auto& o) { return std::make_unique<Glocal>(o); }}};
}

}  // namespace glocal::hpo

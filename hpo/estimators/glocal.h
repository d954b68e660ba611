// The glocal estimate: extrapolate the local trajectory of hypergradients to the end of training.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

namespace glocal::hpo {

/// The estimate from a block: row i of `trajectory` (tau, q) and of `outers` (tau,) is h and E after i + 1 steps, so
/// the hypergradient `horizon` steps after the block's start, at step t0, is the snapshot with index horizon - 1.
/// The extrapolation is tried out inside the block and falls back to h_tau when it does not win there; says so.
/// Throws ValueError when horizon is shorter than the block.
Forecast glocal_forecast(const Tensor& trajectory, const Tensor& outers, std::int64_t t0, std::int64_t horizon,
                         const EstimatorOptions& options = {});

/// One block of tau steps as local (warm), then the forecast to the end of training, T.
struct Glocal : BlockEstimator {
  EstimatorOptions options;
  explicit Glocal(const EstimatorOptions& o) : BlockEstimator(o.tau), options(o) {}
  const char* name() const override { return "glocal"; }
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override;
  Cost cost(const Probe& probe, std::int64_t T, std::int64_t updates) const override;
  std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const override;
  Kept kept(std::int64_t q) const override;
  static std::vector<EstimatorKind> kinds();
};

}  // namespace glocal::hpo

// The glocal estimate: extrapolate the local trajectory of hypergradients to the end of training.
#pragma once
#include <glocal/hpo/estimator.h>

namespace glocal::hpo {

/// The estimate from a block's trajectory. Row i of `trajectory` is h after i + 1 steps of the block, so the
/// hypergradient `horizon` steps after the block's start is the snapshot with index horizon - 1.
/// Holds out the last snapshots and falls back to h_tau when the forecast does not win there; says so.
/// Throws ValueError when horizon is shorter than the block.
Forecast glocal_forecast(const Tensor& trajectory, std::int64_t horizon, const DmdOptions& options = {});

/// One block of tau steps as local (warm), then the forecast to the end of training, T.
struct Glocal : Estimator {
  std::int64_t tau;
  DmdOptions dmd;
  Glocal(std::int64_t block, DmdOptions options) : tau(block), dmd(options) {}
  const char* name() const override { return "glocal"; }
  bool from_start() const override { return false; }
  bool feels_init() const override { return false; }
  std::int64_t steps(const Progress& progress) const override;
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override;
};

}  // namespace glocal::hpo

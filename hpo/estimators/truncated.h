// Truncated back-propagation: reverse mode over the last K steps of a block (Shaban et al. 2019); K = 1 is one-step.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

namespace glocal::hpo {

struct Truncated : BlockEstimator {
  std::int64_t K;
  /// Throws ValueError unless steps_back >= 1.
  Truncated(std::int64_t block, std::int64_t steps_back);
  const char* name() const override { return K == 1 ? "one-step" : "truncated"; }
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override;
  Cost cost(const Probe& probe, std::int64_t T, std::int64_t updates) const override;
  std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const override;
  Kept kept(std::int64_t q) const override;
  static std::vector<EstimatorKind> kinds();
};

}  // namespace glocal::hpo

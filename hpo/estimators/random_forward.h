// Forward mode along random directions, h ~ (1/b) sum_i (h . v_i) v_i: a price that does not grow with q.
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

/// `problem` seen from phi along some directions (lists shaped as phi): its hyperparameters are b numbers psi, which
/// stand for phi + sum_i psi_i directions[i]. Throws ShapeError for a direction of another shape.
FlatProblem along(const FlatProblem& problem, const Vars& phi, const std::vector<Vars>& directions);

/// The block of `local`, with one tangent for each of b directions v of entries +1 and -1 (Rademacher), new ones every
/// block: E[v v^T] = I, so E[h] is the local hypergradient, with variance (1/b) sum_{j != k} h_j^2 in component k, less
/// than with Gaussian v by 2 h_k^2 / b (simultaneous perturbation: Spall, IEEE TAC 37, 1992, here with exact
/// directional derivatives: Baydin et al., "Gradients without backpropagation", 2022).
struct RandomForward : BlockEstimator {
  std::int64_t directions;
  std::uint64_t seed;
  bool trajectory;
  /// `count` directions, chosen by `seed_` and the block's first step. Throws ValueError unless 1 <= count <= 1e6.
  RandomForward(std::int64_t block, std::int64_t count, std::uint64_t seed_, bool keep);
  const char* name() const override { return "random-forward"; }
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override;
  Cost cost(const Probe& probe, std::int64_t T, std::int64_t updates) const override;
  std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const override;
  Kept kept(std::int64_t q) const override;
  static std::vector<EstimatorKind> kinds();
};

}  // namespace glocal::hpo

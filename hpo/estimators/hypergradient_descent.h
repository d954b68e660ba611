// Hypergradient descent: the training loss one step ahead, differentiated through the step just made.
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

/// h = mean over the block's steps t of g_{t+1}^T d_phi step(s_t, phi, t), with g_{t+1} = grad_s loss_{t+1}(s_{t+1}):
/// how phi in this one step moves the next step's loss, s_t (weights and optimiser buffers) and the phi inside
/// loss_{t+1} held fixed. For the learning rate of SGD it is -g_{t+1} . g_t, with momentum -g_{t+1} . v_{t+1} (Baydin,
/// Cornish, Martinez Rubio, Schmidt, Wood, "Online learning rate adaptation with hypergradient descent", ICLR 2018).
/// Training loss, not E, and one step of foresight: cheap and greedy. About 2 plain steps a step, whatever q: the next
/// gradient is computed twice, once here and once inside the next step. Throws ValueError without `loss`.
struct HypergradientDescent : BlockEstimator {
  using BlockEstimator::BlockEstimator;
  const char* name() const override { return "hypergradient-descent"; }
  void check(const FlatProblem& problem, const Vars& phi) const override;
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override;
  Cost cost(const Probe& probe, std::int64_t T, std::int64_t updates) const override;
  std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const override;
  Kept kept(std::int64_t q) const override;
  static std::vector<EstimatorKind> kinds();
};

}  // namespace glocal::hpo

// Evolution strategies: hypergradients from the values of E alone, by antithetic pairs of perturbed runs.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

namespace glocal::hpo {

/// N pairs run the block with phi + sigma e and phi - sigma e, e ~ N(0, I), on the same batches, while training goes on
/// with phi itself. Only values of E and of steps are needed, no derivative.
///
/// `es`: both start from where training stands, h = 1/(2 N sigma) sum_i e_i (E_i+ - E_i-). E[h] is the gradient of the
/// Gaussian smoothing of E over the block: the local hypergradient + O(sigma^2), blind to what lies before the block.
///
/// `pes` (Vicol, Metz, Sohl-Dickstein, "Unbiased gradient estimation in unrolled computation graphs with persistent
/// evolution strategies", ICML 2021, algorithm 2): every particle goes on from its own state, and
/// h = 1/(2 N sigma) sum_i xi_i (E_i+ - E_i-) with xi_i the sum of the e_i of all blocks so far. E[h] is + O(sigma^2)
/// the derivative of this block's E through all blocks since the particles began, the one that `local-online` computes;
/// the sum over blocks estimates the gradient of the sum of their E. The paper's particles begin anew with each inner
/// run; here there is one run, so they begin once, at init(phi +- sigma e) when that is at step 0.
struct Evolution : BlockEstimator {
  bool persistent;
  std::int64_t pairs;
  double sigma;
  std::uint64_t seed;
  /// Throws ValueError unless 1 <= N <= 1e6 and the deviation is positive and finite.
  Evolution(bool pes, std::int64_t block, std::int64_t N, double deviation, std::uint64_t seed_);
  const char* name() const override { return persistent ? "pes" : "es"; }
  bool depends_on_init() const override { return persistent; }
  /// Throws NumericError when a perturbed run leaves the finite numbers, ValueError when `progress` holds the particles
  /// of another N or q.
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override;
  Cost cost(const Probe& probe, std::int64_t T, std::int64_t updates) const override;
  std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const override;
  Kept kept(std::int64_t q) const override;
  static std::vector<EstimatorKind> kinds();
  /// e of pair i in the block that begins at step t0, (q,) f64: AntitheticPair::xi is the sum over the blocks so far.
  Tensor perturbation(std::int64_t t0, std::int64_t i, std::int64_t q) const;

 private:
  void run_pair(const FlatProblem& problem, const Vars& phi, Progress& progress) const;
};

}  // namespace glocal::hpo

// Implicit differentiation: training is taken to have reached a stationary point of its loss, whatever led there.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/implicit_solve.h>
#include <glocal/hpo/unroll/options.h>

namespace glocal::hpo {

enum class ImplicitSolver { cg, neumann, nystrom };

struct ImplicitGradient {
  std::vector<double> h;  ///< (q,)
  double outer = 0;       ///< E(s, phi)
  Solution solution;      ///< x, over the parameters in the order of the state's leaves
};
/// h = d_phi E - (d_phi grad L)^T x with (d^2 L + rho I) x = grad E at the state s, where L is problem.loss of step t
/// (the mean over t .. t + batches - 1). Derivatives are with respect to the leaves of s that L depends on, the
/// parameters; what E reads of other leaves counts as constant. Throws ValueError for a problem without a loss, options
/// out of range, or hyperparameters that do not enter L, naming them.
ImplicitGradient implicit_gradient(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t,
                                   std::int64_t block, ImplicitSolver solver, const ImplicitOptions& options);

/// Trains through a block, then implicit_gradient where training stands. What the solver reached is in the note.
struct Implicit : BlockEstimator {
  ImplicitSolver solver;
  ImplicitOptions options;
  Implicit(ImplicitSolver which, std::int64_t block, const ImplicitOptions& o);
  const char* name() const override;
  void check(const FlatProblem& problem, const Vars& phi) const override;
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override;
  Cost cost(const Probe& probe, std::int64_t T, std::int64_t updates) const override;
  std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const override;
  Kept kept(std::int64_t q) const override;
  static std::vector<EstimatorKind> kinds();
};

}  // namespace glocal::hpo

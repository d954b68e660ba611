// The exact hypergradient dE(s_T(phi), phi) / dphi of a whole run from s_0 = init(phi).
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/options.h>
#include <glocal/hpo/unroll/unroll_plan.h>

namespace glocal::hpo {

struct Hypergradient {
  std::vector<double> h;  ///< (q,)
  double outer = 0;       ///< E(s_T, phi)
  Vars s;                 ///< s_T
};

// Both throw NumericError, naming step and component, where E or h is not finite.

/// By unrolling: about 4 plain steps x T, whatever q.
Hypergradient global_reverse(const FlatProblem& problem, const Vars& phi, std::int64_t T,
                             Unroll unroll = Unroll::checkpointed);
Hypergradient global_reverse(const FlatProblem& problem, const Vars& phi, std::int64_t T, const UnrollPlan& plan);
/// The plan for T steps within `budget` bytes of recorded steps and states. Throws MemoryError when one of each does
/// not fit.
UnrollPlan plan_within(const FlatProblem& problem, const Vars& phi, std::int64_t T, std::int64_t budget);
/// By carrying q tangents: (1 + about 2 q) plain steps x T, memory O(P q).
Hypergradient global_forward(const FlatProblem& problem, const Vars& phi, std::int64_t T);

/// That as an estimator, by reverse or forward mode.
struct Global : Estimator {
  bool forward;
  EstimatorOptions options;
  Global(bool forward_mode, const EstimatorOptions& o) : forward(forward_mode), options(o) {}
  const char* name() const override { return forward ? "global-forward" : "global"; }
  bool from_start() const override { return true; }
  bool depends_on_init() const override { return true; }
  std::int64_t steps(const Progress& progress) const override { return progress.T; }
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override;
  Cost cost(const Probe& probe, std::int64_t T, std::int64_t updates) const override;
  std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const override;
  Kept kept(std::int64_t q) const override;
  static std::vector<EstimatorKind> kinds();
};

}  // namespace glocal::hpo

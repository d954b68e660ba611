// Where the outer loop stands.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

namespace glocal::hpo {

/// Where a run stands, at any step. Between two steps, that is in problem.step, and in problem.watch for step t when
/// progress.t is t + 1, it can be copied or written down, and a copy goes on with the same bits.
struct TuneState {
  std::vector<double> u;  ///< (q,) f64 master copy of phi, which is to_leaves(u, phi)
  Vars phi;               ///< the hyperparameters in use; of a search: where it began
  MetaOptimizer meta = {};
  std::int64_t updates = 0;         ///< outer updates made, or trials of a search
  double estimate_seconds = 0;      ///< see TuneResult
  std::vector<double> scores = {};  ///< E of each trial of a search, or of each run from s_0; NaN where it diverged
  Progress progress = {};
  std::vector<double> best_u = {};  ///< runs from s_0: (q,) u of the best so far
  Vars best_s = {};                 ///< and the state in which it was judged, until the last training has been
};
/// s_0 = init(phi), before the first of T steps.
TuneState start_of_run(const FlatProblem& problem, const Vars& phi, std::int64_t T, const MetaOptimizer& meta = {});

}  // namespace glocal::hpo

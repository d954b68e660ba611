#include <glocal/hpo/estimators/truncated.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/reverse.h>

namespace glocal::hpo {

std::int64_t Truncated::steps(const Progress& progress) const { return progress.block_steps(tau); }

Estimate Truncated::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const std::int64_t t0 = progress.open_block().t0, end = t0 + steps(progress), turn = std::max(t0, end - K);
  train_to(problem, phi, progress, turn);
  // The validation batch is the block's, as for every other estimator.
  FlatProblem tail = problem;
  tail.outer = [&](const Vars& s, const Vars& h, std::int64_t) { return problem.outer(s, h, t0); };
  ReverseRun run = run_reverse(tail, progress.s, phi, turn, end - turn);
  progress.s = std::move(run.s);
  progress.t = end;
  progress.block.reset();
  return {std::move(run.h), run.outer, {}, {}};
}

}  // namespace glocal::hpo

#include <glocal/hpo/estimators/truncated.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/estimators/cost.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/reverse.h>
#include <glocal/hpo/unroll/unroll_plan.h>

namespace glocal::hpo {

Truncated::Truncated(std::int64_t block, std::int64_t steps_back) : BlockEstimator(block), K(steps_back) {
  if (K < 1) fail<ValueError>("[estimator] K = {} must be at least 1 step", K);
}

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

Cost Truncated::cost(const Probe& p, std::int64_t T, std::int64_t) const {
  const std::int64_t steps_back = std::min(K, tau);
  const auto estimates = static_cast<double>(blocks_of(T, tau).count);
  const Cost back = reverse_cost(p, steps_back, segment_plan(steps_back));
  const double plain = static_cast<double>(T) - estimates * static_cast<double>(steps_back);
  return {estimates * back.seconds + plain * p.step_seconds, back.bytes};
}

std::int64_t Truncated::gradient_evaluations(std::int64_t, std::int64_t T, std::int64_t) const {
  return gradients_in_blocks(T, tau, tau + 3 * std::min(K, tau) + 1);
}

Kept Truncated::kept(std::int64_t) const { return {.block = Kept::Block::steps}; }

std::vector<EstimatorKind> Truncated::kinds() {
  return {{"truncated", "reverse mode through the last steps of a block: --steps-back", "green",
           [](const auto& o) { return std::make_unique<Truncated>(o.tau, o.K); }},
          {"one-step", "the same through the last step alone", "purple",
           [](const auto& o) { return std::make_unique<Truncated>(o.tau, 1); }}};
}

}  // namespace glocal::hpo

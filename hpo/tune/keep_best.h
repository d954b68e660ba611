// Runs that start again from s_0 are judged, and the best of them is kept: half of the outer loop, see tune.h.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/tune/tune_state.h>

namespace glocal::hpo {

struct Estimator;

/// The run from s_0 with the least E of those judged: after how many updates of how many (0: the start), and that E.
struct BestRun {
  std::int64_t update = 0, of = 0;
  double outer = 0;
};
/// Of E after 0, 1, ... updates; NaN is a run that left the finite numbers. Nothing when all did.
std::optional<BestRun> best_of(const std::vector<double>& scores);
/// "best of 6: update 3", "best of 6: the start".
std::string text(const BestRun& best);

/// One run at state.phi, judged. Where its E is the least so far state.phi moves on along the hypergradient; where it
/// is not, or the run left the finite numbers, state.phi goes half of the way back to the best and the meta lr is
/// halved, which is the step from the best with half the lr: the moments stay those of that point. Throws what the run
/// throws when it is the first and so has nothing to go back to.
Estimate update_from_start(const FlatProblem& problem, Estimator& estimator, TuneState& state);

/// The first steps of the last training, from s_0: after as many as an estimate of `estimator` runs it is judged like
/// the runs before it; unless it is the best it is left, and state.progress is that of the best as it was judged. So no
/// step is made that plain training would not make. An estimator that does not hand that state over has its last update
/// left out: state is then the best of the others, at s_0.
void begin_last_training(const FlatProblem& problem, const Estimator& estimator, TuneState& state);

}  // namespace glocal::hpo

// Which states reverse mode keeps and which steps it runs again: memory against time, decided before the run.
#pragma once
#include <cstdint>

namespace glocal::hpo {

/// T steps are cut into segments. A segment is recorded whole and pulled back; up to `states` states at the starts of
/// segments are kept at once, placed so that the fewest steps are run again (binomial checkpointing: Griewank &
/// Walther, "Algorithm 799: revolve", ACM TOMS 26, 2000).
struct UnrollPlan {
  std::int64_t segment = 1;  ///< steps recorded at once
  std::int64_t states = 1;   ///< states kept at once, s_0 included
};

/// Everything recorded: one segment of T steps.
UnrollPlan stored_plan(std::int64_t T);
/// A state per segment of `segment` steps, 0 for ceil(sqrt(T)): every step but the last segment's is run twice.
UnrollPlan segment_plan(std::int64_t T, std::int64_t segment = 0);
/// The segment_plan that holds the fewest bytes: about sqrt(T state_bytes / step_bytes) steps a segment.
UnrollPlan leanest_plan(std::int64_t T, std::int64_t step_bytes, std::int64_t state_bytes);
/// The plan of the fewest plain steps within `budget` bytes, when a recorded step holds step_bytes and a state
/// state_bytes. Throws MemoryError, naming the least that would do, when one step and one state do not fit.
UnrollPlan budget_plan(std::int64_t T, std::int64_t step_bytes, std::int64_t state_bytes, std::int64_t budget);

/// Plain steps that the plan runs (recorded steps, T of them, come on top).
std::int64_t plain_steps(const UnrollPlan& plan, std::int64_t T);
/// Bytes of what the plan holds at its fullest: recorded steps and states.
std::int64_t plan_bytes(const UnrollPlan& plan, std::int64_t T, std::int64_t step_bytes, std::int64_t state_bytes);

/// Where to put the next state: the number of segments, of n, that come before it. 1 <= result < n; n, states >= 2.
std::int64_t next_state(std::int64_t n, std::int64_t states);

}  // namespace glocal::hpo

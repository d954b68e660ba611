// Reverse mode along training: a_t = (d_s step)^T a_{t+1}, and (d_phi step)^T a_{t+1} summed over the steps.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/unroll/options.h>
#include <glocal/hpo/unroll/unroll_plan.h>

namespace glocal::hpo {

struct ReverseRun {
  Vars s;                 ///< s_{t0 + T}
  double outer = 0;       ///< E there
  std::vector<double> h;  ///< derivative of E through the steps and directly, (q,)
  Vars adjoint;           ///< dE / ds_{t0}, for what came before; leaves may be symbolic zeros
};
/// Bytes that one recorded step holds, and a state: what plans are made from. Records step t at s, which costs as much.
struct HeldBytes {
  std::int64_t step = 0, state = 0;
};
HeldBytes held_bytes(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t);
/// The plan of `unroll` for T steps from s: `checkpointed` is the leanest_plan, or sqrt(T) steps a segment below 32
/// steps, where measuring would cost more than it saves.
UnrollPlan make_plan(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t0, std::int64_t T,
                     Unroll unroll);

/// T steps from s at step t0, then back. E is that of the block starting at t0. Throws ValueError for T < 0;
/// NumericError, naming step and component, where E or h is not finite.
ReverseRun run_reverse(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t0, std::int64_t T,
                       const UnrollPlan& plan);
ReverseRun run_reverse(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t0, std::int64_t T,
                       Unroll unroll = Unroll::checkpointed);

}  // namespace glocal::hpo

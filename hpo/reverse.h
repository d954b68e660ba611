// Reverse mode along training: a_t = (d_s step)^T a_{t+1}, and (d_phi step)^T a_{t+1} summed over the steps.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/hpo/problem.h>

namespace glocal::hpo {

/// What an unroll keeps: `stored` every recorded step, O(P T); `checkpointed` one state per segment of about
/// sqrt(T) steps, recorded again one segment at a time on the way back, O(P sqrt T). The same bits either way.
enum class Unroll { checkpointed, stored };

struct ReverseRun {
  Vars s;                 ///< s_{t0 + T}
  double outer = 0;       ///< E there
  std::vector<double> h;  ///< derivative of E through the steps and directly, (q,)
  Vars adjoint;           ///< dE / ds_{t0}, for what came before; leaves may be symbolic zeros
};
/// T steps from s at step t0, then back. `segment` = 0 takes ceil(sqrt(T)). E is that of the block starting at t0.
ReverseRun run_reverse(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t0, std::int64_t T,
                       Unroll unroll = Unroll::checkpointed, std::int64_t segment = 0);

}  // namespace glocal::hpo

// The exact hypergradient dE(s_T(phi), phi) / dphi of a whole run from s_0 = init(phi).
#pragma once
#include <glocal/hpo/forward.h>
#include <glocal/hpo/reverse.h>

namespace glocal::hpo {

struct Hypergradient {
  std::vector<double> h;  ///< (q,)
  double outer = 0;       ///< E(s_T, phi)
  Vars s;                 ///< s_T
};

/// By unrolling: about 4 plain steps x T, whatever q.
Hypergradient global_reverse(const FlatProblem& problem, const Vars& phi, std::int64_t T,
                             Unroll unroll = Unroll::checkpointed, std::int64_t segment = 0);
/// By carrying q tangents: (1 + about 2 q) plain steps x T, memory O(P q).
Hypergradient global_forward(const FlatProblem& problem, const Vars& phi, std::int64_t T);

}  // namespace glocal::hpo

// Forward mode along training: Z_{t+1} = d_s step . Z_t + d_phi step and h_t = Z_t^T grad_s E(s_t, phi) + d_phi E.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

namespace glocal::hpo {

/// Z_0 = 0 in q directions for a state with n leaves.
Tangents zero_tangents(std::int64_t q, std::size_t n);

/// E and h at one state.
struct OuterGradient {
  double outer = 0;
  std::vector<double> h;  ///< (q,)
};
OuterGradient outer_gradient(const FlatProblem& problem, const Vars& s, const Tangents& z, const Vars& phi,
                             std::int64_t block);

struct ForwardRun {
  Vars s;                 ///< s_{t0 + tau}
  Tangents z;             ///< Z there
  double outer = 0;       ///< E there
  std::vector<double> h;  ///< h there, (q,)
  Tensor trajectory;      ///< h_{t0+1} .. h_{t0+tau}, (tau, q) f64; empty unless asked for
  Tensor outers;          ///< E at the same steps, (tau,) f64; empty unless asked for
  /// a such that the fastest tangent grew like t^a in the second half: about 0.5 in stable training, above `exploding`
  /// on the way to an explosion. 0 when tau < 4 or the tangents did not start at zero.
  double growth = 0;
  std::int64_t stable_steps = 0;  ///< steps before the tangents began to explode: tau, tau / 2, ... down to tau / 16
};
constexpr double exploding = 2;  ///< tangents that grow like t^2 and faster
/// The steps of a block of tau after which Block::squares are taken: tau, tau / 2, ..., at most five, falling.
std::vector<std::int64_t> growth_looks(std::int64_t tau);

/// tau steps from s at step t0 with tangents z. `trajectory` also records h and E after every step, at the price of
/// one gradient of E each. Cost (1 + about 2 q) plain steps; memory O(P q). Throws ValueError when tau < 1,
/// ShapeError unless z has q directions with a leaf per leaf of s.
ForwardRun run_forward(const FlatProblem& problem, Vars s, Tangents z, const Vars& phi, std::int64_t t0,
                       std::int64_t tau, bool trajectory);

/// The same from progress.s and progress.z, which are left at the end: opens a block of tau steps, or goes on with the
/// one in progress, and closes it. problem.watch sees `progress` as it stands after each step. `s` and `z` stay empty.
ForwardRun run_forward(const FlatProblem& problem, const Vars& phi, Progress& progress, std::int64_t tau,
                       bool trajectory);

/// Throws NumericError, see hpo/finite.h, unless E and h are finite at every step of a run to step `end` that was
/// recorded.
void check_finite(const char* who, const FlatProblem& problem, In phi, const ForwardRun& run, std::int64_t end);

}  // namespace glocal::hpo

// Muon: momentum whose matrices are made orthogonal.
#pragma once
#include <array>
#include <cstdint>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

/// Each one number of the parameters' element type; weight_decay may be left empty: zero.
struct MuonHyper {
  Var lr, momentum, adam_share, beta1, beta2, eps, eps_root, weight_decay{};
  auto fields() { return std::tie(lr, momentum, adam_share, beta1, beta2, eps, eps_root, weight_decay); }
  static constexpr std::array field_names{"lr",    "momentum", "adam_share", "beta1",
                                          "beta2", "eps",      "eps_root",   "weight_decay"};
};

/// Momentum of a matrix, first moment of what is none; second moment of what is none (zeros of a matrix are one
/// number).
struct MuonState {
  Vars m{}, v{};
  auto fields() { return std::tie(m, v); }
  static constexpr std::array field_names{"m", "v"};
};

/// X (R, C) with singular values near 1 (.7 to 1.2) and x's singular vectors: five steps of X = a X + b X X' X +
/// c X X' X X' X from x / (|x| + 1e-7), a, b, c = 3.4445, -4.7750, 2.0315, on the shorter side. Throws ShapeError.
Var orthogonalized(const Var& x);

/// For a matrix, which is a parameter of two or more axes: linear weights (in, out), convolutions as (out, rest), but
/// not the last of the list, which gives the outputs:
///   m = momentum m + (1 - momentum) g;  u = orthogonalized(momentum m + (1 - momentum) g)
///   w = (1 - lr weight_decay) w - lr sqrt(max(1, out / in)) u
/// and for all else AdamW at the rate lr adam_share (Jordan et al. 2024, kellerjordan.github.io/posts/muon). The
/// source leaves the first matrix to AdamW as well, which is meant for embeddings; here it is made orthogonal.
/// Throws ShapeError, and ValueError where the last matrix is the only one.
Updated<MuonState> muon(const MuonHyper& hyper, const Vars& params, const Vars& grads, const MuonState& state,
                        std::int64_t t);

/// For the list of optimisers.
std::vector<OptimizerKind> muon_kinds();

}  // namespace glocal::optim

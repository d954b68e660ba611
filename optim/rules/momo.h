// Rates from the loss itself: Polyak's step, and MoMo, the same over a momentum.
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
struct MomoHyper {
  Var lr, momentum, lower_bound, weight_decay{};
  auto fields() { return std::tie(lr, momentum, lower_bound, weight_decay); }
  static constexpr std::array field_names{"lr", "momentum", "lower_bound", "weight_decay"};
};

struct MomoState {
  Vars m{};
  Var loss{}, along{};  ///< averages of the loss and of <g, w>, one number each
  auto fields() { return std::tie(m, loss, along); }
  static constexpr std::array field_names{"m", "loss", "along"};
};

/// With averages over momentum b, which begin at the first step's values: f of the loss, c of <g, w>, m of g,
///   step = min(lr, max((1 + lr weight_decay) (f - lower_bound - c) + <m, w>, 0) / |m|^2)
///   w = (w - step m) / (1 + lr weight_decay)
/// (Schaipp, Ohana, Eickenberg, Defazio, Gower, ICML 2024, arXiv 2305.07583, algorithm 1.) Norms over all parameters.
/// Throws ShapeError, and ValueError without the loss.
Updated<MomoState> momo(const MomoHyper& hyper, const Vars& params, const Evaluation& seen, const MomoState& state,
                        std::int64_t t);

/// Each one number of the parameters' element type.
struct PolyakHyper {
  Var lr, lower_bound;
  auto fields() { return std::tie(lr, lower_bound); }
  static constexpr std::array field_names{"lr", "lower_bound"};
};

struct PolyakState {
  auto fields() { return std::tuple<>(); }
  static constexpr std::array<const char*, 0> field_names{};
};

/// w -= min(lr, (loss - lower_bound) / |g|^2) g (Polyak 1987; Loizou et al., AISTATS 2021, arXiv 2002.10542, SPS_max).
/// Throws ShapeError, and ValueError without the loss.
Updated<PolyakState> polyak(const PolyakHyper& hyper, const Vars& params, const Evaluation& seen);

/// For the list of optimisers.
std::vector<OptimizerKind> momo_kinds();

}  // namespace glocal::optim

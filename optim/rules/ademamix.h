// AdEMAMix: Adam with a second, much slower momentum.
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
struct AdemamixHyper {
  Var lr, beta1, beta2, beta3, mix, eps, eps_root, weight_decay{};
  auto fields() { return std::tie(lr, beta1, beta2, beta3, mix, eps, eps_root, weight_decay); }
  static constexpr std::array field_names{"lr", "beta1", "beta2", "beta3", "mix", "eps", "eps_root", "weight_decay"};
};

struct AdemamixState {
  Vars fast{}, slow{}, v{};
  auto fields() { return std::tie(fast, slow, v); }
  static constexpr std::array field_names{"fast", "slow", "v"};
};

/// fast = beta1 fast + (1 - beta1) g;  slow = beta3 slow + (1 - beta3) g;  v = beta2 v + (1 - beta2) g^2;
/// w -= lr ((fast / (1 - beta1^t) + mix slow) / (sqrt(v / (1 - beta2^t) + eps_root) + eps) + weight_decay w)
/// (Pagliardini, Ablin, Grangier, ICLR 2025, arXiv 2409.03137, without its warm-ups of mix and beta3). Throws
/// ShapeError.
Updated<AdemamixState> ademamix(const AdemamixHyper& hyper, const Vars& params, const Vars& grads,
                                const AdemamixState& state, std::int64_t t);

/// For the list of optimisers.
std::vector<OptimizerKind> ademamix_kinds();

}  // namespace glocal::optim

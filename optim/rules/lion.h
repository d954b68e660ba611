// Lion: steps of one size, in the sign of a momentum.
#pragma once
#include <array>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

/// Each one number of the parameters' element type; weight_decay may be left empty: zero.
struct LionHyper {
  Var lr, beta1, beta2, weight_decay{};
  auto fields() { return std::tie(lr, beta1, beta2, weight_decay); }
  static constexpr std::array field_names{"lr", "beta1", "beta2", "weight_decay"};
};

struct LionState {
  Vars m{};
  auto fields() { return std::tie(m); }
  static constexpr std::array field_names{"m"};
};

/// w -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay w);  m = beta2 m + (1 - beta2) g (Chen et al., NeurIPS 2023,
/// arXiv 2302.06675, algorithm 2). The derivatives in beta1 and beta2 are 0: a sign does not move. Throws ShapeError.
Updated<LionState> lion(const LionHyper& hyper, const Vars& params, const Vars& grads, const LionState& state);

/// For the list of optimisers.
std::vector<OptimizerKind> lion_kinds();

}  // namespace glocal::optim

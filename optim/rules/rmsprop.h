// RMSProp (Tieleman, Hinton, 2012) with momentum, in PyTorch's form.
#pragma once
#include <array>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

/// Each one number of the parameters' element type; momentum and weight_decay may be left empty: zero.
struct RmspropHyper {
  Var lr, alpha, eps, eps_root, momentum{}, weight_decay{};
  auto fields() { return std::tie(lr, alpha, eps, eps_root, momentum, weight_decay); }
  static constexpr std::array field_names{"lr", "alpha", "eps", "eps_root", "momentum", "weight_decay"};
};

struct RmspropState {
  Vars square{}, velocity{};
  auto fields() { return std::tie(square, velocity); }
  static constexpr std::array field_names{"square", "velocity"};
};

/// g += weight_decay w;  s = alpha s + (1 - alpha) g^2;  v = momentum v + g / (sqrt(s + eps_root) + eps);  w -= lr v.
/// Throws ShapeError.
Updated<RmspropState> rmsprop(const RmspropHyper& hyper, Vars params, Vars grads, RmspropState state);

/// For the list of optimisers.
std::vector<OptimizerKind> rmsprop_kinds();

}  // namespace glocal::optim

// Stochastic gradient descent with momentum.
#pragma once
#include <array>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

/// Each one number of the parameters' element type; what is left empty is zero.
struct SgdHyper {
  Var lr, momentum{}, weight_decay{};
  auto fields() { return std::tie(lr, momentum, weight_decay); }
  static constexpr std::array field_names{"lr", "momentum", "weight_decay"};
};

struct SgdState {
  Vars velocity{};
  auto fields() { return std::tie(velocity); }
  static constexpr std::array field_names{"velocity"};
};

/// g += weight_decay w;  v = momentum v + g;  w -= lr v, or with Nesterov's rule w -= lr (g + momentum v) (Sutskever,
/// Martens, Dahl, Hinton, ICML 2013, in PyTorch's form). Parameters and state given by std::move, which nobody else
/// holds, are overwritten in place. Throws ShapeError.
Updated<SgdState> sgd(const SgdHyper& hyper, Vars params, Vars grads, SgdState state, bool nesterov = false);

/// For the list of optimisers.
std::vector<OptimizerKind> sgd_kinds();

}  // namespace glocal::optim

// Adagrad (Duchi, Hazan, Singer, JMLR 2011).
#pragma once
#include <array>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

/// Each one number of the parameters' element type; weight_decay may be left empty: zero.
struct AdagradHyper {
  Var lr, eps, eps_root, weight_decay{};
  auto fields() { return std::tie(lr, eps, eps_root, weight_decay); }
  static constexpr std::array field_names{"lr", "eps", "eps_root", "weight_decay"};
};

struct AdagradState {
  Vars square{};
  auto fields() { return std::tie(square); }
  static constexpr std::array field_names{"square"};
};

/// g += weight_decay w;  s += g^2;  w -= lr g / (sqrt(s + eps_root) + eps). Throws ShapeError.
Updated<AdagradState> adagrad(const AdagradHyper& hyper, Vars params, Vars grads, AdagradState state);

/// For the list of optimisers.
std::vector<OptimizerKind> adagrad_kinds();

}  // namespace glocal::optim

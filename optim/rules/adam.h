// Adam and AdamW.
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
struct AdamHyper {
  Var lr, beta1, beta2, eps, eps_root, weight_decay{};
  auto fields() { return std::tie(lr, beta1, beta2, eps, eps_root, weight_decay); }
  static constexpr std::array field_names{"lr", "beta1", "beta2", "eps", "eps_root", "weight_decay"};
};

struct AdamState {
  Vars m{}, v{};
  auto fields() { return std::tie(m, v); }
  static constexpr std::array field_names{"m", "v"};
};

/// g += weight_decay w;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
/// w -= lr m^ / (sqrt(v^ + eps_root) + eps) with m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t), t = 1, 2, ...
/// (Kingma, Ba, ICLR 2015). eps_root > 0 keeps derivatives right where a gradient is exactly 0. Parameters and state
/// given by std::move, which nobody else holds, are overwritten in place. Throws ShapeError, and ValueError when t < 1.
Updated<AdamState> adam(const AdamHyper& hyper, Vars params, Vars grads, AdamState state, std::int64_t t);

/// Decay apart from the gradient: w -= lr (m^ / (sqrt(v^ + eps_root) + eps) + weight_decay w) (Loshchilov, Hutter,
/// ICLR 2019, in PyTorch's form).
Updated<AdamState> adamw(const AdamHyper& hyper, Vars params, Vars grads, AdamState state, std::int64_t t);

/// For the list of optimisers.
std::vector<OptimizerKind> adam_kinds();

}  // namespace glocal::optim

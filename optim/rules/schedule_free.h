// Schedule-Free: an average of the iterates in place of a falling rate, and gradients between the two.
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
struct ScheduleFreeSgdHyper {
  Var lr, momentum, weight_decay{};
  auto fields() { return std::tie(lr, momentum, weight_decay); }
  static constexpr std::array field_names{"lr", "momentum", "weight_decay"};
};

/// The average x comes first: it is what is judged. Both x and z are kept, though either follows from the other and
/// the parameters, so that momentum may change from step to step.
struct ScheduleFreeSgdState {
  Vars x{}, z{};
  Var largest_lr{}, weight_sum{};  ///< one number each
  auto fields() { return std::tie(x, z, largest_lr, weight_sum); }
  static constexpr std::array field_names{"x", "z", "largest_lr", "weight_sum"};
};

/// The parameters are y = momentum x + (1 - momentum) z, where the gradient is taken; x is judged.
///   z -= lr (g + weight_decay y);  c = largest^2 / (sum of largest^2 so far), largest = the largest lr so far;
///   x = (1 - c) x + c z
/// (Defazio et al., NeurIPS 2024, arXiv 2405.15682; r = 0, weight_lr_power = 2). Throws ShapeError.
Updated<ScheduleFreeSgdState> schedule_free_sgd(const ScheduleFreeSgdHyper& hyper, const Vars& params,
                                                const Vars& grads, const ScheduleFreeSgdState& state, std::int64_t t);

/// Each one number of the parameters' element type; weight_decay may be left empty: zero.
struct ScheduleFreeAdamwHyper {
  Var lr, beta1, beta2, eps, eps_root, weight_decay{};
  auto fields() { return std::tie(lr, beta1, beta2, eps, eps_root, weight_decay); }
  static constexpr std::array field_names{"lr", "beta1", "beta2", "eps", "eps_root", "weight_decay"};
};

struct ScheduleFreeAdamwState {
  Vars x{}, z{}, v{};
  Var largest_lr{}, weight_sum{};  ///< one number each
  auto fields() { return std::tie(x, z, v, largest_lr, weight_sum); }
  static constexpr std::array field_names{"x", "z", "v", "largest_lr", "weight_sum"};
};

/// The same with beta1 for momentum and
///   v = beta2 v + (1 - beta2) g^2;  z -= lr (g / (sqrt(v / (1 - beta2^t) + eps_root) + eps) + weight_decay y).
Updated<ScheduleFreeAdamwState> schedule_free_adamw(const ScheduleFreeAdamwHyper& hyper, const Vars& params,
                                                    const Vars& grads, const ScheduleFreeAdamwState& state,
                                                    std::int64_t t);

/// For the list of optimisers.
std::vector<OptimizerKind> schedule_free_kinds();

}  // namespace glocal::optim

// Prodigy and D-Adaptation: Adam with a rate from an estimate of the distance to the solution.
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
struct ProdigyHyper {
  Var lr, beta1, beta2, eps, eps_root, first_d, factor, weight_decay{};
  auto fields() { return std::tie(lr, beta1, beta2, eps, eps_root, first_d, factor, weight_decay); }
  static constexpr std::array field_names{"lr",       "beta1",   "beta2",  "eps",
                                          "eps_root", "first_d", "factor", "weight_decay"};
};

struct ProdigyState {
  Vars m{}, v{}, s{}, start{};
  Var d{}, numerator{};  ///< one number each
  auto fields() { return std::tie(m, v, s, start, d, numerator); }
  static constexpr std::array field_names{"m", "v", "s", "start", "d", "numerator"};
};

/// With d = first_d at first, b3 = sqrt(beta2) and rate = d lr:
///   numerator = b3 numerator + (d / first_d) rate <g, start - w>;  s = b3 s + (d / first_d) rate g
///   m = beta1 m + d (1 - beta1) g;  v = beta2 v + d^2 (1 - beta2) g^2
///   d' = max(d, factor numerator / |s|_1)
///   w -= rate weight_decay w;  w -= rate m / (sqrt(v + d'^2 eps_root) + d' eps)
/// (Mishchenko, Defazio, ICML 2024, arXiv 2306.06101, algorithm 4; no bias correction, d grows without limit.) Norms
/// over all parameters. Throws ShapeError.
Updated<ProdigyState> prodigy(const ProdigyHyper& hyper, const Vars& params, const Vars& grads,
                              const ProdigyState& state, std::int64_t t);

/// Each one number of the parameters' element type; weight_decay may be left empty: zero.
struct DAdaptationHyper {
  Var lr, beta1, beta2, eps, eps_root, first_d, weight_decay{};
  auto fields() { return std::tie(lr, beta1, beta2, eps, eps_root, first_d, weight_decay); }
  static constexpr std::array field_names{"lr", "beta1", "beta2", "eps", "eps_root", "first_d", "weight_decay"};
};

struct DAdaptationState {
  Vars m{}, v{}, s{};
  Var d{}, numerator{};  ///< one number each
  auto fields() { return std::tie(m, v, s, d, numerator); }
  static constexpr std::array field_names{"m", "v", "s", "d", "numerator"};
};

/// With d = first_d at first, b3 = sqrt(beta2) and rate = d lr:
///   numerator = b3 numerator + (1 - b3) rate <g, s / (sqrt(v + eps_root) + eps)>, of the old s and v
///   m = beta1 m + rate (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;  s = b3 s + (1 - b3) rate g
///   d' = max(d, numerator / ((1 - b3) |s|_1))
///   w -= rate weight_decay w;  w -= m / (sqrt(v + eps_root) + eps)
/// (Defazio, Mishchenko, ICML 2023, arXiv 2301.07733, Adam's form, version 3 of its code.) Throws ShapeError.
Updated<DAdaptationState> d_adaptation(const DAdaptationHyper& hyper, const Vars& params, const Vars& grads,
                                       const DAdaptationState& state, std::int64_t t);

/// For the list of optimisers.
std::vector<OptimizerKind> prodigy_kinds();

}  // namespace glocal::optim

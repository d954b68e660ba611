// HDM: hypergradient descent on the step's own rates, with heavy-ball momentum and null steps.
#pragma once
#include <array>
#include <cstdint>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

/// Each one number of the parameters' element type.
struct HdmHyper {
  Var lr, first_momentum, momentum_lr, eps;
  auto fields() { return std::tie(lr, first_momentum, momentum_lr, eps); }
  static constexpr std::array field_names{"lr", "first_momentum", "momentum_lr", "eps"};
};

/// Rates and sums of their squared slopes: one entry a parameter, its shape or one number shared by all.
struct HdmState {
  Vars before{}, rate{}, rate_squares{};
  Var momentum{}, momentum_squares{};  ///< one number each
  auto fields() { return std::tie(before, rate, rate_squares, momentum, momentum_squares); }
  static constexpr std::array field_names{"before", "rate", "rate_squares", "momentum", "momentum_squares"};
};

enum class HdmRate { one, each };  ///< one rate for all parameters, or one for each number of them

/// With w+ = w - P g + b (w - before), at first P = 0 and b = first_momentum, and g+ the gradient of the same batch
/// there, all products of P entry by entry:
///   h = -g+ g / (|g|^2 + eps), its sum for one rate;  P -= lr h / (sqrt(sum of h^2) + eps)
///   k = <g+, w - before> / (|g|^2 + eps);  b = clip(b - momentum_lr k / (sqrt(sum of k^2) + eps), 0, 0.9995)
///   w = w+ where the loss there is lower, else w stays (a null step)
/// (Gao, Chu, Ye, Udell, ICML 2025, arXiv 2502.11229: AdaGrad on P and on the momentum; without the code's estimate of
/// the curvature and its falling rates.) A step takes two gradients. Throws ShapeError, and ValueError without the
/// loss or without other places to evaluate it at.
Updated<HdmState> hdm(HdmRate rate, const HdmHyper& hyper, const Vars& params, const Evaluation& seen,
                      const HdmState& state, std::int64_t t);

/// For the list of optimisers.
std::vector<OptimizerKind> hdm_kinds();

}  // namespace glocal::optim

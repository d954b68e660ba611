// Meta-Weight-Net: a small network that weighs each example by its loss.
#pragma once
#include <array>
#include <cstdint>
#include <tuple>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/nn/layers/linear.h>

namespace glocal::nn {

/// V(l) = sigmoid(w2 . relu(w1 l + b1) + b2), one hidden layer of H units, 3 H + 1 parameters (Shu et al., NeurIPS
/// 2019, "Meta-Weight-Net: learning an explicit mapping for sample weighting").
struct MetaWeightNet {
  Linear hidden, out;  // 1 -> H, H -> 1

  MetaWeightNet() = default;
  MetaWeightNet(Key key, std::int64_t units, DType dtype = DType::f32);
  /// From its parameters in one list (3 H + 1,): w1, b1, w2, b2. Throws ShapeError for another number of them.
  explicit MetaWeightNet(const Var& parameters);

  auto fields() { return std::tie(hidden, out); }
  static constexpr std::array field_names{"hidden", "out"};

  /// losses (N,) -> weights (N,) in (0, 1).
  Var operator()(const Var& losses) const;
};

/// sum_i V(l_i) l_i / sum_i V(l_i) of the examples' losses (N,), with a gradient of sum_i V(l_i) grad l_i / sum_i
/// V(l_i) (equation 3 of the paper, the weights normalised over the batch): the innermost derivative sees V(l_i) as a
/// constant; those around it, of the step that this gradient makes, see all.
Var meta_weighted_mean(const MetaWeightNet& net, const Var& losses);

}  // namespace glocal::nn

// The two-dimensional convolution layer.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <tuple>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>

namespace glocal::nn {

struct Conv2dOptions {
  Conv2dSpec spec{};
  bool bias = true;
};

/// Weight and bias start uniform in +-1 / sqrt(C / groups * KH * KW), as in PyTorch.
struct Conv2d {
  Var weight;               // (O, C / groups, KH, KW)
  std::optional<Var> bias;  // (O)
  Conv2dSpec spec;

  Conv2d() = default;
  /// A square kernel. Throws ValueError when groups do not divide both channel counts.
  Conv2d(Key key, std::int64_t channels, std::int64_t out, std::int64_t kernel, const Conv2dOptions& options = {},
         DType dtype = DType::f32);

  auto fields() { return std::tie(weight, bias); }
  static constexpr std::array field_names{"weight", "bias"};

  /// (N, C, H, W) -> (N, O, OH, OW). Throws ShapeError.
  Var operator()(const Var& x) const;
};

}  // namespace glocal::nn

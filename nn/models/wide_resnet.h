// The wide residual network (Zagoruyko, Komodakis, BMVC 2016).
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/layers/dropout.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/layers/norm.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

/// Pre-activation: a = relu(norm(x)); conv(dropout(relu(norm(conv(a))))) + x, or + shortcut(a), a 1x1 convolution,
/// where the channels or the size change.
struct WideBlock {
  Norm norm1, norm2;
  Conv2d conv1, conv2;
  std::optional<Conv2d> shortcut;
  Dropout dropout;

  WideBlock() = default;
  WideBlock(Key key, std::int64_t channels, std::int64_t out, std::int64_t stride, double dropout,
            const std::string& norm, DType dtype);

  auto fields() { return std::tie(norm1, conv1, norm2, conv2, shortcut); }
  static constexpr std::array field_names{"norm1", "conv1", "norm2", "conv2", "shortcut"};

  /// (N, C, H, W) -> (N, O, ceil(H / stride), ceil(W / stride)).
  Var operator()(const Var& x, Pass& pass) const;
};

/// Depth 6 n + 4 and width k: a convolution, n blocks each of 16 k, 32 k and 64 k channels, norm, relu, global average,
/// linear. WRN-28-2 on (3, 32, 32) with 10 classes has 1,467,610 parameters.
struct WideResNet {
  Conv2d conv;
  std::vector<WideBlock> blocks;
  Norm norm;
  Linear fc;

  WideResNet() = default;
  /// Throws ValueError unless depth = 6 n + 4 with n >= 1, and width >= 1.
  WideResNet(Key key, int depth, int width, std::int64_t channels, std::int64_t classes, double dropout = 0,
             const std::string& norm = "batch", DType dtype = DType::f32);

  auto fields() { return std::tie(conv, blocks, norm, fc); }
  static constexpr std::array field_names{"conv", "blocks", "norm", "fc"};

  /// (N, C, H, W) -> (N, classes).
  Var operator()(const Var& x, Pass& pass) const;
};

/// For the list of models.
ModelKind wrn28_2_kind();

}  // namespace glocal::nn

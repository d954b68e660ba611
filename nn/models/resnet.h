// The residual network for CIFAR (He, Zhang, Ren, Sun, CVPR 2016, section 4.2).
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/layers/norm.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

/// relu(norm(conv(relu(norm(conv(x))))) + shortcut(x)), 3x3. Where the size changes the shortcut is the paper's
/// option A: every second pixel, new channels zero, no parameters.
struct ResidualBlock {
  Conv2d conv1, conv2;
  Norm norm1, norm2;

  ResidualBlock() = default;
  ResidualBlock(Key key, std::int64_t channels, std::int64_t out, std::int64_t stride, const std::string& norm,
                DType dtype);

  auto fields() { return std::tie(conv1, norm1, conv2, norm2); }
  static constexpr std::array field_names{"conv1", "norm1", "conv2", "norm2"};

  /// (N, C, H, W) -> (N, O, ceil(H / stride), ceil(W / stride)).
  Var operator()(const Var& x, Pass& pass) const;
};

/// Depth 6 n + 2: a convolution, n blocks each of 16, 32 and 64 channels, global average, linear. ResNet-20 on
/// (3, 32, 32) with 10 classes has 269,722 parameters. Convolutions start by kaiming_normal over fan-out.
struct ResNet {
  Conv2d conv;
  Norm norm;
  std::vector<ResidualBlock> blocks;
  Linear fc;

  ResNet() = default;
  /// Throws ValueError unless depth = 6 n + 2 with n >= 1.
  ResNet(Key key, int depth, std::int64_t channels, std::int64_t classes, const std::string& norm = "batch",
         DType dtype = DType::f32);

  auto fields() { return std::tie(conv, norm, blocks, fc); }
  static constexpr std::array field_names{"conv", "norm", "blocks", "fc"};

  /// (N, C, H, W) -> (N, classes).
  Var operator()(const Var& x, Pass& pass) const;
};

/// For the list of models.
ModelKind resnet20_kind();

}  // namespace glocal::nn

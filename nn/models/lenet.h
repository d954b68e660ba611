// LeNet-5 (LeCun, Bottou, Bengio, Haffner, Proc. IEEE 1998), with relu and max pooling.
#pragma once
#include <array>
#include <cstdint>
#include <tuple>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/models/model.h>

namespace glocal::nn {

/// conv(6, 5x5, padding 2) relu pool - conv(16, 5x5) relu pool - 120 relu - 84 relu - classes. On (1, 28, 28) with 10
/// classes: 400 features before the linear layers, 61,706 parameters.
struct LeNet {
  Conv2d conv1, conv2;
  Linear fc1, fc2, fc3;

  LeNet() = default;
  /// input = (C, H, W); throws ShapeError unless H and W are at least 12.
  LeNet(Key key, const Shape& input, std::int64_t classes, DType dtype = DType::f32);

  auto fields() { return std::tie(conv1, conv2, fc1, fc2, fc3); }
  static constexpr std::array field_names{"conv1", "conv2", "fc1", "fc2", "fc3"};

  /// (N, C, H, W) -> (N, classes).
  Var operator()(const Var& x) const;
};

/// For the list of models.
ModelKind lenet_kind();

}  // namespace glocal::nn

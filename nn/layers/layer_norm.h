// Layer normalisation (Ba, Kiros, Hinton, 2016).
#pragma once
#include <array>
#include <tuple>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/shape.h>

namespace glocal::nn {

/// Over the last axes: weight (x - mean) / sqrt(var + eps) + bias. Weight starts at 1, bias at 0.
struct LayerNorm {
  Var weight, bias;  // the shape that is normalised
  double eps = 1e-5;

  LayerNorm() = default;
  explicit LayerNorm(const Shape& normalized, DType dtype = DType::f32);

  auto fields() { return std::tie(weight, bias); }
  static constexpr std::array field_names{"weight", "bias"};

  /// (N, ..., normalized...) -> the same. Throws ShapeError.
  Var operator()(const Var& x) const;
};

}  // namespace glocal::nn

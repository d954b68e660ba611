// Group normalisation (Wu, He, ECCV 2018): no batch statistics, so training and evaluation are the same function.
#pragma once
#include <array>
#include <cstdint>
#include <tuple>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>

namespace glocal::nn {

/// Mean and variance per image over each group of C / groups channels. Weight starts at 1, bias at 0.
struct GroupNorm {
  Var weight, bias;  // (C), (C)
  std::int64_t groups = 1;
  double eps = 1e-5;

  GroupNorm() = default;
  /// Throws ValueError unless groups divides channels.
  GroupNorm(std::int64_t groups, std::int64_t channels, DType dtype = DType::f32);

  auto fields() { return std::tie(weight, bias); }
  static constexpr std::array field_names{"weight", "bias"};

  /// (N, C, ...) -> the same. Throws ShapeError.
  Var operator()(const Var& x) const { return (*this)(x, /*relu=*/false); }
  /// With relu: its relu.
  Var operator()(const Var& x, bool relu) const;
};

}  // namespace glocal::nn

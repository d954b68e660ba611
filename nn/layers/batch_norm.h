// Batch normalisation (Ioffe, Szegedy, ICML 2015), over (N, C) or (N, C, H, W) alike.
#pragma once
#include <array>
#include <cstdint>
#include <tuple>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

/// Per channel: weight (x - mean) / sqrt(var + eps) + bias. In training mean and variance are those of the batch, and
/// their derivatives are complete; in evaluation they are the running ones. Weight starts at 1, bias at 0.
struct BatchNorm {
  Var weight, bias;       // (C), (C)
  double momentum = 0.1;  // running = (1 - momentum) running + momentum batch, the variance unbiased
  double eps = 1e-5;

  BatchNorm() = default;
  explicit BatchNorm(std::int64_t channels, DType dtype = DType::f32);

  auto fields() { return std::tie(weight, bias); }
  static constexpr std::array field_names{"weight", "bias"};

  /// (N, C, ...) -> the same. In training appends the new running mean and variance to pass.updated, as
  /// differentiable Vars. Throws ShapeError, and ValueError for one number per channel in training.
  Var operator()(const Var& x, Pass& pass) const { return (*this)(x, pass, /*relu=*/false); }
  /// With relu: its relu, in the same pass over memory.
  Var operator()(const Var& x, Pass& pass, bool relu) const;
};

}  // namespace glocal::nn

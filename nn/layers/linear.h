// The fully connected layer.
#pragma once
#include <array>
#include <cstdint>
#include <tuple>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>

namespace glocal::nn {

/// y = x weight + bias. Weight and bias start uniform in +-1 / sqrt(in), as in PyTorch.
struct Linear {
  Var weight, bias;  // (in, out), (out)

  Linear() = default;
  Linear(Key key, std::int64_t in, std::int64_t out, DType dtype = DType::f32);

  auto fields() { return std::tie(weight, bias); }
  static constexpr std::array field_names{"weight", "bias"};

  /// (N, in) -> (N, out). Throws ShapeError.
  Var operator()(const Var& x) const;
};

}  // namespace glocal::nn

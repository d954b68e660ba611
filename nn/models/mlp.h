// Multi-layer perceptron.
#pragma once
#include <array>
#include <cstdint>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/nn/layers/activation.h>
#include <glocal/nn/layers/dropout.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

struct Mlp {
  std::vector<Linear> layers;
  Activation activation;
  Dropout dropout;

  Mlp() = default;
  /// sizes = {in, hidden..., out}; the activation, then dropout, follow every layer but the last.
  Mlp(Key key, const std::vector<std::int64_t>& sizes, Activation activation, Dropout dropout = Dropout(0),
      DType dtype = DType::f32);

  auto fields() { return std::tie(layers); }
  static constexpr std::array field_names{"layers"};

  /// (N, ...) -> (N, out); x is flattened first. 784-128-10 has 101,770 parameters.
  Var operator()(const Var& x, Pass& pass) const;
};

/// For the list of models.
ModelKind mlp_kind();

}  // namespace glocal::nn

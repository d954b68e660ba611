#include <glocal/nn/layers/layer_norm.h>

#include <cstdint>

#include <glocal/autodiff/ops.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal::nn {

LayerNorm::LayerNorm(const Shape& normalized, DType dtype)
    : weight(Tensor::ones(normalized, dtype)), bias(Tensor::zeros(normalized, dtype)) {
  if (normalized.rank() == 0) fail<ShapeError>("[layer_norm] needs at least one axis to normalise, got none");
}

Var LayerNorm::operator()(const Var& x) const {
  const Shape& normalized = weight.shape();
  const int leading = x.rank() - normalized.rank();
  bool fits = leading >= 0;
  Axes axes;
  for (int axis = 0; fits && axis < normalized.rank(); ++axis) {
    fits = x.dim(leading + axis) == normalized[axis];
    axes.push_back(leading + axis);
  }
  if (!fits)
    fail<ShapeError>("[layer_norm] expects the last axes of x to be {}, x has shape {}", normalized, x.shape());
  const std::int64_t size = normalized.size(), rows = size == 0 ? 0 : x.size() / size;
  const Var y = reshape(normalize(x, axes, eps), {rows, size});
  return reshape(channel_affine(y, reshape(weight, {size}), reshape(bias, {size})), x.shape());
}

}  // namespace glocal::nn

// Products, convolutions and normalisations of ONNX in our ops and layers.
#include <algorithm>

#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/layers/group_norm.h>
#include <glocal/nn/layers/layer_norm.h>

#include "call.h"
#include "window.h"

namespace onnx {

namespace {

Var gemm(const Call& c) {
  const bool ta = c.integer("transA", 0) != 0, tb = c.integer("transB", 0) != 0;
  const double alpha = c.real("alpha", 1), beta = c.real("beta", 1);
  const Var &a = c.x(0), &b = c.x(1);
  const bool row = c.has(2) && c.x(2).size() == b.dim(1) && c.x(2).dim(-1) == b.dim(1);
  if (row && !ta && !tb && alpha == 1 && beta == 1) return linear(a, b, reshape(c.x(2), {b.dim(1)}));
  const Var product = scale(matmul(a, b, ta, tb), alpha);
  return c.has(2) ? product + scale(c.x(2), beta) : product;
}

Var convolution(const Call& c) {
  const Var &x = c.x(0), &weight = c.x(1);
  if (x.rank() != 4) refuse("convolutions are two-dimensional");
  const Window w = window(c, {x.dim(2), x.dim(3)}, {weight.dim(2), weight.dim(3)});
  Conv2dSpec spec;
  spec.groups = c.integer("group", 1);
  Var image = x;
  for (int i = 0; i < 2; ++i) {
    const auto a = static_cast<std::size_t>(i);
    spec.stride[a] = w.stride[a], spec.dilation[a] = w.dilation[a];
    if (w.before[a] == w.after[a])
      spec.padding[a] = w.before[a];
    else
      image = pad(image, 2 + i, w.before[a], w.after[a]);
  }
  nn::Conv2d layer;
  layer.weight = weight, layer.spec = spec;
  if (c.has(2)) layer.bias = c.x(2);
  return layer(image);
}

// The adjoint of a convolution, on the whole canvas; what ONNX pads away is cut off.
Var transposed_convolution(const Call& c) {
  const Var &x = c.x(0), &weight = c.x(1);
  if (x.rank() > 4) refuse("convolutions are two-dimensional");
  const bool line = x.rank() == 3;
  const Var rows = line ? reshape(x, {x.dim(0), x.dim(1), 1, x.dim(2)}) : x;
  const Var kernel = line ? reshape(weight, {weight.dim(0), weight.dim(1), 1, weight.dim(2)}) : weight;
  const auto per_axis = [&](const char* name, std::int64_t otherwise) {
    std::vector<std::int64_t> list = c.list(name, std::vector<std::int64_t>(line ? 1 : 2, otherwise));
    if (line) list.insert(list.begin(), otherwise);
    return list;
  };
  Conv2dSpec spec;
  spec.groups = c.integer("group", 1);
  const auto stride = per_axis("strides", 1), dilation = per_axis("dilations", 1),
             extra = per_axis("output_padding", 0);
  const std::vector<std::int64_t> wanted = c.list("output_shape");
  std::vector<std::int64_t> pads = c.list("pads", std::vector<std::int64_t>(4, 0));
  if (line && c.attribute("pads")) pads = {0, pads[0], 0, pads[1]};
  const std::string mode = c.text("auto_pad", "NOTSET");
  std::vector<std::int64_t> canvas{rows.dim(0), kernel.dim(1) * spec.groups};
  for (std::size_t a = 0; a < 2; ++a) {
    const auto axis = static_cast<int>(a) + 2;
    spec.stride[a] = stride[a], spec.dilation[a] = dilation[a];
    const std::int64_t span = stride[a] * (rows.dim(axis) - 1) + extra[a] + dilation[a] * (kernel.dim(axis) - 1) + 1;
    const bool same_size = mode == "SAME_UPPER" || mode == "SAME_LOWER";
    const std::int64_t size = !wanted.empty() ? wanted[a] : same_size ? rows.dim(axis) * stride[a] : 0;
    canvas.push_back(std::max(span, size));
    if (size == 0) continue;
    const std::int64_t total = canvas.back() - size, half = total / 2, rest = total - half;
    pads[a] = mode == "SAME_UPPER" ? half : rest, pads[a + 2] = mode == "SAME_UPPER" ? rest : half;
  }
  Var y = conv2d_input(rows, kernel, Shape(canvas), spec);
  if (c.has(2)) y = add_bias(y, c.x(2));
  for (std::size_t a = 0; a < 2; ++a)
    y = slice(y, static_cast<int>(a) + 2, pads[a], y.dim(static_cast<int>(a) + 2) - pads[a + 2]);
  return line ? reshape(y, {y.dim(0), y.dim(1), y.dim(3)}) : y;
}

std::vector<Value> batch_normalization(const Call& c) {
  const Type type = c.any(0).type;
  const double eps = c.real("epsilon", 1e-5), momentum = c.real("momentum", 0.9);
  nn::BatchNorm layer;
  layer.weight = c.x(1), layer.bias = c.x(2), layer.eps = eps, layer.momentum = 1 - momentum;
  nn::Pass pass;
  pass.training = c.integer("training_mode", 0) != 0;
  pass.stats = {c.x(3), c.x(4)};
  std::vector<Value> out{{type, layer(c.x(0), pass)}};
  if (!pass.training) return out;
  out.push_back({type, pass.updated[0]});
  // ONNX's running variance is the biased one, the layer's (and PyTorch's) the unbiased one.
  const Var biased = batch_norm(c.x(0), c.x(1), c.x(2), eps).variance;
  out.push_back({type, momentum * c.x(4) + (1 - momentum) * biased});
  return out;
}

std::vector<Value> layer_normalization(const Call& c) {
  const Var& x = c.x(0);
  const int axis = x.shape().axis(static_cast<int>(c.integer("axis", -1)), "onnx");
  nn::LayerNorm layer;
  layer.eps = c.real("epsilon", 1e-5);
  layer.weight = c.x(1), layer.bias = c.has(2) ? c.x(2) : zeros_like(c.x(1));
  Axes axes;
  for (int a = axis; a < x.rank(); ++a) axes.push_back(a);
  const Var center = mean(x, axes, true);
  const Type type = c.any(0).type;
  return {{type, layer(x)}, {type, center}, {type, rsqrt(mean(square(x - center), axes, true) + layer.eps)}};
}

Var instance_normalization(const Call& c) {
  nn::GroupNorm layer;
  layer.weight = c.x(1), layer.bias = c.x(2), layer.groups = c.x(1).size(), layer.eps = c.real("epsilon", 1e-5);
  return layer(c.x(0));
}

Var mean_variance_normalization(const Call& c) { return normalize(c.x(0), axes_of(c.list("axes", {0, 2, 3})), 0); }

// x / (bias + alpha mean of x^2 over `size` channels)^beta: the channels as lines of an image that is pooled.
Var local_response_normalization(const Call& c) {
  const Var& x = c.x(0);
  const std::int64_t size = c.integer("size", 1);
  if (size % 2 == 0) refuse("avg_pool2d pads both ends alike");
  const PoolSpec spec{{size, 1}, {1, 1}, {size / 2, 0}};
  const Var lines = reshape(square(x), {x.dim(0), 1, x.dim(1), x.size() / (x.dim(0) * x.dim(1))});
  const Var around = reshape(avg_pool2d(lines, spec), x.shape());
  return x * pow(c.real("alpha", 1e-4) * around + c.real("bias", 1), -c.real("beta", 0.75));
}

}  // namespace

Table network_ops() {
  return {
      {"MatMul", same([](const Call& c) { return matmul(c.x(0), c.x(1)); })},
      {"Gemm", same(gemm)},
      {"Conv", same(convolution)},
      {"ConvTranspose", same(transposed_convolution)},
      {"BatchNormalization", batch_normalization},
      {"LayerNormalization", layer_normalization},
      {"InstanceNormalization", same(instance_normalization)},
      {"MeanVarianceNormalization", same(mean_variance_normalization)},
      {"LRN", same(local_response_normalization)},
  };
}

}  // namespace onnx

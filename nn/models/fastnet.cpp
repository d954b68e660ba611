#include <glocal/nn/models/fastnet.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/nn/init.h>
#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {
namespace {

// 3x3, same size, no bias; filter o below `channels` copies channel o.
Conv2d dirac_conv(Key key, std::int64_t channels, std::int64_t out, DType dtype) {
  Conv2d conv(key, channels, out, 3, {.spec = {.padding = {1, 1}}, .bias = false}, dtype);
  Tensor weight = conv.weight.value().to(DType::f64);
  Tensor start({out, channels, 3, 3}, DType::f64);
  for (std::int64_t i = 0; i < start.size(); ++i) {
    const std::int64_t o = i / 9 / channels, c = i / 9 % channels;
    start.data<double>()[i] = o >= channels ? weight.at(i) : o == c && i % 9 == 4 ? 1 : 0;
  }
  conv.weight = start.to(dtype);
  return conv;
}

FastBlock::BiasNorm bias_norm(std::int64_t channels, DType dtype) {
  FastBlock::BiasNorm made{BatchNorm(channels, dtype)};
  made.norm.momentum = 0.4;
  made.norm.eps = 1e-12;
  return made;
}

}  // namespace

FastBlock::FastBlock(Key key, std::int64_t channels, std::int64_t out, DType dtype)
    : conv1(dirac_conv(split(key, 0), channels, out, dtype)),
      conv2(dirac_conv(split(key, 1), out, out, dtype)),
      norm1(bias_norm(out, dtype)),
      norm2(bias_norm(out, dtype)) {}

Var FastBlock::operator()(const Var& x, Pass& pass) const {
  const Var y = gelu(norm1.norm(max_pool2d(conv1(x)), pass));
  return gelu(norm2.norm(conv2(y), pass));
}

FastNet::FastNet(Key key, std::int64_t channels, std::int64_t classes, DType dtype)
    : whiten(split(key, 0), channels, 8 * channels, 2, {}, dtype) {
  std::int64_t width = 8 * channels;
  for (const std::int64_t out : {64, 256, 256}) {
    blocks.emplace_back(split(key, 2 + blocks.size()), width, out, dtype);
    width = out;
  }
  fc.weight = fan_in_uniform(split(key, 1), {width, classes}, width, dtype);
}

Var FastNet::operator()(const Var& x, Pass& pass) const {
  Var y = gelu(whiten(x));
  for (const FastBlock& block : blocks) y = block(y, pass);
  y = max_pool2d(y, {.kernel = {y.dim(2), y.dim(3)}, .stride = {y.dim(2), y.dim(3)}});
  return matmul(flatten_from(y, 1), fc.weight) / 9;
}

Tensor whitening_filters(const Tensor& x) {
  if (x.rank() != 4 || x.shape()[2] < 2 || x.shape()[3] < 2)
    fail<ShapeError>("[whitening] needs images (N, C, H, W) of at least 2 x 2 pixels, got {}", x.shape());
  const std::int64_t images = x.shape()[0], channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  const std::int64_t size = 4 * channels;
  const auto length = static_cast<std::size_t>(size);
  const Tensor pixels = x.to(DType::f64);
  const double* const from = pixels.data<double>();
  std::vector<double> patch(length), moments(length * length);
  for (std::int64_t n = 0; n < images; ++n)
    for (std::int64_t i = 0; i + 1 < height; ++i)
      for (std::int64_t j = 0; j + 1 < width; ++j) {
        for (std::int64_t k = 0; k < size; ++k)  // (c, row, column) as in a filter
          patch[static_cast<std::size_t>(k)] =
              from[((n * channels + k / 4) * height + i + k / 2 % 2) * width + j + k % 2];
        for (std::size_t a = 0; a < length; ++a)
          for (std::size_t b = 0; b <= a; ++b) moments[a * length + b] += patch[a] * patch[b];
      }
  const auto count = static_cast<double>(std::max<std::int64_t>(1, images * (height - 1) * (width - 1)));
  for (std::size_t a = 0; a < length; ++a)
    for (std::size_t b = 0; b <= a; ++b) moments[b * length + a] = moments[a * length + b] /= count;
  // Of a symmetric matrix without negative eigenvalues the singular vectors are eigenvectors.
  const lapack::Svd svd = lapack::svd(Tensor::from(moments, {size, size}));
  Tensor filters({2 * size, channels, 2, 2}, DType::f64);
  for (std::int64_t f = 0; f < size; ++f)
    for (std::int64_t k = 0; k < size; ++k) {
      const double weight = svd.vt.at(f * size + k) / std::sqrt(svd.s.at(f) + 5e-4);
      filters.data<double>()[f * size + k] = weight;
      filters.data<double>()[(size + f) * size + k] = -weight;
    }
  return filters;
}

ModelKind fastnet_kind() {
  return {"fastnet", "convolutions behind a whitening layer, made to be trained in minutes",
          [](Key key, const Shape& input, int classes, const ModelOptions& options) {
            refuse_options("fastnet", options, {});
            if (input[1] < 9 || input[2] < 9) fail<ShapeError>("[fastnet] needs at least 9 x 9 pixels, got {}", input);
            Model model = erase("fastnet", FastNet(key, input[0], classes, options.dtype), input, classes);
            model.fit_to = [](Vars parameters, const Tensor& x) {
              parameters[0] = whitening_filters(x).to(parameters[0].dtype());
              parameters[1] = zeros_like(parameters[1]);
              return parameters;
            };
            return model;
          }};
}

}  // namespace glocal::nn

// A convolutional network that is made to be trained in minutes (Jordan, "94% on CIFAR-10 in 3.29 seconds on a single
// GPU", arXiv 2404.00498).
#pragma once
#include <array>
#include <cstdint>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

/// gelu(norm(conv(gelu(norm(pool(conv(x))))))), 3x3 and 2x2 max pooling; a norm is a BatchNorm without weight, whose
/// statistics forget quickly (momentum 0.4).
struct FastBlock {
  struct BiasNorm {
    BatchNorm norm;
    auto fields() { return std::tie(norm.bias); }
    static constexpr std::array field_names{"bias"};
  };
  Conv2d conv1, conv2;
  BiasNorm norm1, norm2;

  FastBlock() = default;
  /// Convolutions start uniform, but their first `channels` filters as the identity (dirac).
  FastBlock(Key key, std::int64_t channels, std::int64_t out, DType dtype);

  auto fields() { return std::tie(conv1, norm1, conv2, norm2); }
  static constexpr std::array field_names{"conv1", "norm1", "conv2", "norm2"};

  /// (N, C, H, W) -> (N, O, H / 2, W / 2), rounded down.
  Var operator()(const Var& x, Pass& pass) const;
};

/// A 2x2 convolution that whitens patches, gelu, blocks of 64, 256 and 256 channels, max over what is left, linear
/// without bias over 9. On (3, 32, 32) with 10 classes: 1,971,640 parameters, 0.24 G operations forward an image.
struct FastNet {
  Conv2d whiten;  // 8 C filters
  std::vector<FastBlock> blocks;
  struct Head {
    Var weight;  // (256, classes)
    auto fields() { return std::tie(weight); }
    static constexpr std::array field_names{"weight"};
  } fc;

  FastNet() = default;
  FastNet(Key key, std::int64_t channels, std::int64_t classes, DType dtype = DType::f32);

  auto fields() { return std::tie(whiten, blocks, fc); }
  static constexpr std::array field_names{"whiten", "blocks", "fc"};

  /// (N, C, H, W) -> (N, classes), H and W from 9 on.
  Var operator()(const Var& x, Pass& pass) const;
};

/// Filters (8 C, C, 2, 2) that whiten the 2x2 patches of images x (N, C, H, W): with the eigenvectors v and values l of
/// the patches' second moments, v / sqrt(l + 5e-4), and the same with the other sign. Throws NumericError.
Tensor whitening_filters(const Tensor& x);

/// For the list of models.
ModelKind fastnet_kind();

}  // namespace glocal::nn

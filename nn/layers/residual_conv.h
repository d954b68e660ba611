// The convolution that residual networks are made of.
#pragma once
#include <cstdint>

#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/nn/init.h>
#include <glocal/nn/layers/conv2d.h>

namespace glocal::nn {

/// kernel x kernel (odd), same size when stride is 1, no bias (a norm follows), kaiming_normal over fan-out (He et al.,
/// ICCV 2015).
inline Conv2d residual_conv(Key key, std::int64_t channels, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                            DType dtype) {
  const std::int64_t padding = kernel / 2;
  Conv2d conv(key, channels, out, kernel,
              {.spec = {.stride = {stride, stride}, .padding = {padding, padding}}, .bias = false}, dtype);
  conv.weight = kaiming_normal(key, conv.weight.shape(), Fan::out, dtype);
  return conv;
}

}  // namespace glocal::nn

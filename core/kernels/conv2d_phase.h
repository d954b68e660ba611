// The adjoint of a strided convolution in its input as convolutions of gy with stride 1, one for each phase.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include <glocal/core/kernels/conv2d_sizes.h>

namespace glocal::kernels {

/// The pixels i of one phase of the input's gradient, i * stride + phase - padding in [0, size), and the taps t they
/// sum over, phase + t * stride: along that axis a convolution of gy with stride 1 and the taps in reverse.
struct Phase {
  std::int64_t first, count, taps, padding;
  Phase(const Conv2dSizes& z, std::size_t axis, std::int64_t phase) {
    const std::int64_t size = axis == 0 ? z.H : z.W, kernel = axis == 0 ? z.KH : z.KW;
    const std::int64_t s = z.stride[axis], p = z.padding[axis];
    first = ceil_div(p - phase, s);
    count = floor_div(size - 1 + p - phase, s) + 1 - first;
    taps = ceil_div(kernel - phase, s);
    padding = (s == 1 ? z.dilation[axis] : 1) * (taps - 1) - first;
  }
};

}  // namespace glocal::kernels

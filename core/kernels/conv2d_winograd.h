// The 3x3, stride 1 cases of kernels/conv2d.h in single precision, by Winograd's algorithm.
#pragma once
#include <glocal/core/isa.h>
#include <glocal/core/kernels/conv2d_sizes.h>

namespace glocal::kernels {

/// Outputs along a side of a tile, 2 or 4. 4 multiplies 4 times less than the direct sum, 2 only 2.25 times; the
/// relative error of 4 is about 2.5 times that of 2, or 1.6 times that of a direct sum.
constexpr int winograd_tile = 4;

/// Whether the three below may be called: 3x3, stride 1, no dilation, one group, padding 0 to 2, not empty.
bool winograd_applies(const Conv2dSizes& sizes);
/// Whether they are also faster than the alternatives.
bool winograd_suits(const Conv2dSizes& sizes);

/// As conv2d, conv2d_input and conv2d_weight; bias (O,) may be null. The same bits for any thread count.
void winograd_conv2d(const Conv2dSizes& sizes, const float* x, const float* weight, const float* bias, float* y,
                     int tile = winograd_tile, Isa set = isa());
void winograd_conv2d_input(const Conv2dSizes& sizes, const float* gy, const float* weight, float* gx,
                           int tile = winograd_tile, Isa set = isa());
void winograd_conv2d_weight(const Conv2dSizes& sizes, const float* x, const float* gy, float* gw,
                            int tile = winograd_tile, Isa set = isa());

}  // namespace glocal::kernels

// The algorithms that conv2d.cpp chooses among; sizes are not empty.
#pragma once
#include <cstdint>

#include <glocal/core/isa.h>
#include <glocal/core/kernels/conv2d_sizes.h>

namespace glocal::kernels {

/// Sums of products over pixels in registers; bias (O,) may be null. `corners` as in conv2d_sizes.h, of the lanes of
/// `set`.
template <class T>
void direct_conv2d(const Conv2dSizes& sizes, const T* x, const T* weight, const T* bias, T* y, Isa set = isa(),
                   Corners<T> corners = {});
/// Whether direct_conv2d_input may be called: no padding wider than the weight, no stride together with a dilation.
bool direct_suits_input(const Conv2dSizes& sizes);
template <class T>
void direct_conv2d_input(const Conv2dSizes& sizes, const T* gy, const T* weight, T* gx, Isa set = isa(),
                         Corners<T> corners = {});
template <class T>
void direct_conv2d_weight(const Conv2dSizes& sizes, const T* x, const T* gy, T* gw, Isa set = isa(),
                          Corners<T> corners = {});
/// Numbers in the corners of the direct algorithms, 0 where they take none.
template <class T>
std::int64_t direct_corners(const Conv2dSizes& sizes, Isa set = isa());

/// Sums of products in registers whose lanes are channels, those of the result; bias (O,) may be null.
template <class T>
void channel_conv2d(const Conv2dSizes& sizes, const T* x, const T* weight, const T* bias, T* y, Isa set = isa());
/// Under the condition of direct_conv2d_input.
template <class T>
void channel_conv2d_input(const Conv2dSizes& sizes, const T* gy, const T* weight, T* gx, Isa set = isa());
template <class T>
void channel_conv2d_weight(const Conv2dSizes& sizes, const T* x, const T* gy, T* gw, Isa set = isa());
/// Whether they are faster than the alternatives for so many channels as lanes.
template <class T>
bool channels_suit(const Conv2dSizes& sizes, std::int64_t channels, Isa set = isa());

/// Products with tiles of the matrix of patches; bias (O,) may be null.
template <class T>
void tiled_conv2d(const Conv2dSizes& sizes, const T* x, const T* weight, const T* bias, T* y);
template <class T>
void tiled_conv2d_input(const Conv2dSizes& sizes, const T* gy, const T* weight, T* gx);
template <class T>
void tiled_conv2d_weight(const Conv2dSizes& sizes, const T* x, const T* gy, T* gw);

}  // namespace glocal::kernels

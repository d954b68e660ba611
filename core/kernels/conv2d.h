// 2-D cross-correlation and its two adjoints on NCHW pointers; T in {float, double}.
#pragma once
#include <cstdint>

#include <glocal/core/kernels/conv2d_sizes.h>

namespace glocal::kernels {

/// Numbers in the corners of a convolution of these sizes, or 0 where it cannot be joined to pooling.
template <class T>
std::int64_t conv2d_corners(const Conv2dSizes& sizes);

/// y := x * weight + bias; bias (O,) may be null. All three run on all threads; the same bits for any thread count.
template <class T>
void conv2d(const Conv2dSizes& sizes, const T* x, const T* weight, const T* bias, T* y, Corners<T> corners = {});
/// gx := adjoint in x applied to gy.
template <class T>
void conv2d_input(const Conv2dSizes& sizes, const T* gy, const T* weight, T* gx, Corners<T> corners = {});
/// gw := adjoint in weight applied to gy.
template <class T>
void conv2d_weight(const Conv2dSizes& sizes, const T* x, const T* gy, T* gw, Corners<T> corners = {});

}  // namespace glocal::kernels

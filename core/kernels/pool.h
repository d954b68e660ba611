// 2-D pooling over `images` = N * C separate (H, W) images; T in {float, double}.
#pragma once
#include <array>
#include <cstdint>

namespace glocal::kernels {

/// Sizes already checked by the caller: padding < kernel, so every window meets the image.
struct Pool2dSizes {
  std::int64_t images = 0, H = 0, W = 0, OH = 0, OW = 0;
  std::array<std::int64_t, 2> kernel{2, 2}, stride{2, 2}, padding{0, 0};
};

/// y (images, OH, OW) := the largest element of each window, index := its flat place in x. The first largest wins; a
/// NaN counts as largest.
template <class T>
void max_pool2d(const Pool2dSizes& sizes, const T* x, T* y, std::int32_t* index);
/// y := sum over each window / (KH * KW).
template <class T>
void avg_pool2d(const Pool2dSizes& sizes, const T* x, T* y);
/// gx := adjoint of avg_pool2d applied to gy.
template <class T>
void avg_pool2d_input(const Pool2dSizes& sizes, const T* gy, T* gx);

}  // namespace glocal::kernels

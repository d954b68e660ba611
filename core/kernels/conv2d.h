// 2-D cross-correlation and its two adjoints on NCHW pointers; T in {float, double}.
#pragma once
#include <array>
#include <cstdint>

namespace glocal::kernels {

/// Sizes of x (N, C, H, W), weight (O, C / groups, KH, KW) and y (N, O, OH, OW), already checked by the caller.
struct Conv2dSizes {
  std::int64_t N = 0, C = 0, H = 0, W = 0, O = 0, KH = 0, KW = 0, OH = 0, OW = 0;
  std::array<std::int64_t, 2> stride{1, 1}, padding{0, 0}, dilation{1, 1};
  std::int64_t groups = 1;
};

/// Joins max pooling of y by 2 x 2 windows to a convolution: y and gy are then (N, O, OH / 2, OW / 2), one pixel of
/// each window, the one `of` names or `found` receives. Their order is that of the vectors of the algorithm.
template <class T>
struct Corners {
  const T* of = nullptr;
  T* found = nullptr;
  explicit operator bool() const { return of || found; }
};

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

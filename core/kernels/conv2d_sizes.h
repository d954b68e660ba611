// What every algorithm of a convolution is told, and how it divides.
#pragma once
#include <array>
#include <cstdint>

namespace glocal::kernels {

// a / b rounded up and down, below zero too; b > 0.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return a > 0 ? (a + b - 1) / b : -(-a / b); }
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return -ceil_div(-a, b); }

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

}  // namespace glocal::kernels

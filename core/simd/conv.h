// Direct convolution on copies of the images made for vectors, for one thread.
#pragma once
#include <cstdint>

#include <glocal/core/isa.h>
#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

/// A part of y (outputs, vectors): y[o][j] := bias[o] + sum of w[c][t][o] x[c + tap t][j] over channels c and taps t.
/// Numbers follow each other along a vector and along o in w; all other steps are given.
template <class T>
struct ConvTile {
  const T *x, *w, *bias;  // bias may be null
  T* y;
  const std::int64_t* tap;        // for each tap two numbers: its place in x and which tap of w it is
  std::int64_t outputs, vectors;  // 1 .. most_outputs, 1 .. most_vectors
  std::int64_t channels, taps;
  std::int64_t x_channel, x_vector, w_channel, y_output, y_vector;
};

/// sum[o][t] += x[offset[t] + p] gy[o][p] over positions p = rows x vectors; sum holds vectors, its rows `taps` apart.
template <class T>
struct ConvWeightTile {
  const T *x, *gy;
  T* sum;
  const std::int64_t* offset;
  std::int64_t outputs, taps;  // 1 .. most_weight_outputs, 1 .. most_weight_taps
  std::int64_t sum_output, gy_output;
  std::int64_t rows, vectors, x_row, x_vector, gy_row;
};

template <class T>
struct ConvKernels {
  std::int64_t lanes, most_outputs, most_vectors, most_weight_outputs, most_weight_taps;
  void (*tile)(const ConvTile<T>& tile);
  void (*weight_tile)(const ConvWeightTile<T>& tile);
  /// to[r * row + w * lanes + i] := from[i * stride + r * columns + w] for images i; lanes without an image are 0.
  void (*interleave)(std::int64_t images, std::int64_t rows, std::int64_t columns, const T* from, std::int64_t stride,
                     T* to, std::int64_t row);
  /// to[i * stride + p] := from[p][i], the inverse.
  void (*deinterleave)(std::int64_t images, std::int64_t pixels, const T* from, T* to, std::int64_t stride);
  /// For images of 2 rows x 2 columns vectors whose rows are `pitch` numbers apart: y (rows, columns) := the largest of
  /// each 2 x 2 window, and its corner 0 .. 3 in reading order. The first largest wins; a NaN counts as largest.
  void (*max_windows)(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t pitch, T* y, T* corner);
  /// y := x at the corners, and its adjoint x := y there and 0 elsewhere.
  void (*take_corners)(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t pitch, const T* corner, T* y);
  void (*put_corners)(std::int64_t rows, std::int64_t columns, const T* y, const T* corner, T* x, std::int64_t pitch);
  /// to[k] := sum of the lanes of vector k, each added in the same order.
  void (*sum_lanes)(std::int64_t n, const T* from, T* to);
  /// Rows of n numbers, `from_row` and `to_row` apart.
  void (*copy_rows)(std::int64_t rows, std::int64_t n, const T* from, std::int64_t from_row, T* to,
                    std::int64_t to_row);
};

GLOCAL_KERNELS(ConvKernels<float>, conv_f32)
GLOCAL_KERNELS(ConvKernels<double>, conv_f64)

template <class T>
const ConvKernels<T>& conv(Isa set) {
  if constexpr (sizeof(T) == sizeof(float))
    return conv_f32(set);
  else
    return conv_f64(set);
}

}  // namespace glocal::simd

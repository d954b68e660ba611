// Convolution with channels as lanes, for one thread: numbers of x are read one by one, so that a stride costs nothing.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

/// Pixels of a row, all outputs of `vectors` vectors: y[p][j] := bias[j] + sum over k of x[offset[k] + p x_pixel]
/// w[k][j], or the sum is added to y.
template <class T>
struct ChannelTile {
  const T *x, *w, *bias;  // w: k rows of `vectors` vectors; bias may be null
  T* y;
  bool add;
  const std::int64_t* offset;
  std::int64_t k, pixels, vectors;  // pixels: 1 .. most_pixels[vectors]
  std::int64_t x_pixel, y_pixel, y_vector;
};

/// sum[t][j] += x[offset[t] + p] gy[p][j] over positions p = rows x columns; sum holds vectors, its rows follow each
/// other.
template <class T>
struct ChannelWeightTile {
  const T *x, *gy;
  T* sum;
  const std::int64_t* offset;
  std::int64_t taps, vectors;  // taps: 1 .. most_taps[vectors]
  std::int64_t rows, columns, x_row, x_column, gy_vector;
};

template <class T>
struct ChannelKernels {
  static constexpr int most_vectors = 3;
  std::int64_t lanes;
  std::int64_t most_pixels[most_vectors + 1], most_taps[most_vectors + 1];
  void (*tile)(const ChannelTile<T>& tile);
  void (*weight_tile)(const ChannelWeightTile<T>& tile);
};

GLOCAL_KERNELS(ChannelKernels<float>, channels_f32)
GLOCAL_KERNELS(ChannelKernels<double>, channels_f64)

template <class T>
const ChannelKernels<T>& channels(Isa set) {
  if constexpr (sizeof(T) == sizeof(float))
    return channels_f32(set);
  else
    return channels_f64(set);
}

}  // namespace glocal::simd

#include <glocal/core/simd/channels.h>

#include <cstdint>
#include <utility>

#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

using Int = std::int64_t;
constexpr int most_vectors = ChannelKernels<float>::most_vectors;

/// Rows of sums by V vectors: all sums, one vector of each column and one number of x in registers.
constexpr int most_rows(int V) {
  const int rows = (registers - 1 - V) / V, cap = registers == 32 ? 12 : 6;
  return rows < cap ? rows : cap;
}

template <class T, int V, int R>
void tile(const ChannelTile<T>& t) {
  constexpr Int L = lanes<T>;
  const Int step = t.x_pixel, y_pixel = t.y_pixel, y_vector = t.y_vector;
  T* const y = t.y;
  Vec<T> sum[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
      sum[r][v] = t.add ? load(y + r * y_pixel + v * y_vector) : t.bias ? load(t.bias + v * L) : Vec<T>{};
  const T* w = t.w;
  for (const Int *offset = t.offset, *end = offset + t.k; offset != end; ++offset, w += V * L) {
    const T* x = t.x + *offset;
    Vec<T> weight[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) weight[v] = load(w + v * L);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      if (r > 0 && r % 3 == 0) x += 3 * step;  // as far as x86 addresses reach with one stride
      const T pixel = x[r % 3 * step];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] += weight[v] * pixel;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store(y + r * y_pixel + v * y_vector, sum[r][v]);
}

template <class T, int V, int R>
void weight_tile(const ChannelWeightTile<T>& t) {
  constexpr Int L = lanes<T>;
  Vec<T> sum[R][V] = {};  // from 0 in every tile: sums of sums round less than one long sum
  const T *tap[R], *gy = t.gy;
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) tap[r] = t.x + t.offset[r];
  for (Int row = 0; row < t.rows; ++row) {
    Int x = row * t.x_row;
    for (Int q = 0; q < t.columns; ++q, gy += L, x += t.x_column) {
      Vec<T> slope[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) slope[v] = load(gy + v * t.gy_vector);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const T pixel = tap[r][x];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) sum[r][v] += slope[v] * pixel;
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      T* const to = t.sum + (r * V + v) * L;
      store(to, load(to) + sum[r][v]);
    }
}

// The tile of every size, each compiled with its sums in registers.
template <class T>
struct Tiles {
  void (*convolve[most_vectors + 1][most_rows(1) + 1])(const ChannelTile<T>&) = {};
  void (*correlate[most_vectors + 1][most_rows(1) + 1])(const ChannelWeightTile<T>&) = {};

  constexpr Tiles() { vectors<most_vectors>(); }

 private:
  template <int V>
  constexpr void vectors() {
    rows<V, most_rows(V)>();
    if constexpr (V > 1) vectors<V - 1>();
  }
  template <int V, int R>
  constexpr void rows() {
    convolve[V][R] = tile<T, V, R>;
    correlate[V][R] = weight_tile<T, V, R>;
    if constexpr (R > 1) rows<V, R - 1>();
  }
};

template <class T>
constexpr Tiles<T> tiles;

template <class T>
void any_tile(const ChannelTile<T>& t) {
  tiles<T>.convolve[t.vectors][t.pixels](t);
}
template <class T>
void any_weight_tile(const ChannelWeightTile<T>& t) {
  tiles<T>.correlate[t.vectors][t.taps](t);
}

template <class T>
constexpr ChannelKernels<T> kernels{lanes<T>,
                                    {0, most_rows(1), most_rows(2), most_rows(3)},
                                    {0, most_rows(1), most_rows(2), most_rows(3)},
                                    any_tile<T>,
                                    any_weight_tile<T>};

}  // namespace

constinit const ChannelKernels<float> channels_f32 = kernels<float>;
constinit const ChannelKernels<double> channels_f64 = kernels<double>;

}  // namespace glocal::simd::GLOCAL_ISA

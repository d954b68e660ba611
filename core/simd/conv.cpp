#include <glocal/core/simd/conv.h>

#include <cstdint>
#include <utility>

#include <glocal/core/simd/transpose.h>
#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

using Int = std::int64_t;

// Sums that stay in registers: 24 of 32, or 12 of 16; the rest holds one operand.
constexpr int most_outputs = 6, most_vectors = registers == 32 ? 4 : 2;
constexpr int most_weight_outputs = registers == 32 ? 4 : 3, most_weight_taps = registers == 32 ? 6 : 4;

template <class T, int O, int V>
void conv_tile(const ConvTile<T>& t) {
  Vec<T> sum[O][V];
#pragma GCC unroll 8
  for (int o = 0; o < O; ++o)
#pragma GCC unroll 8
    for (int j = 0; j < V; ++j) sum[o][j] = t.bias ? splat(t.bias[o]) : Vec<T>{};
  const Int step = t.x_vector;
  for (Int c = 0; c < t.channels; ++c) {
    const T *channel = t.x + c * t.x_channel, *weights = t.w + c * t.w_channel;
    for (const Int *tap = t.tap, *end = tap + 2 * t.taps; tap != end; tap += 2) {
      const T *x = channel + tap[0], *w = weights + tap[1] * O;
      Vec<T> pixels[V];
#pragma GCC unroll 8
      for (int j = 0; j < V; ++j) pixels[j] = load(x + j * step);
#pragma GCC unroll 8
      for (int o = 0; o < O; ++o) {
        const T weight = w[o];
#pragma GCC unroll 8
        for (int j = 0; j < V; ++j) sum[o][j] += pixels[j] * weight;
      }
    }
  }
#pragma GCC unroll 8
  for (int o = 0; o < O; ++o)
#pragma GCC unroll 8
    for (int j = 0; j < V; ++j) store(t.y + o * t.y_output + j * t.y_vector, sum[o][j]);
}

// One loop over all positions: as two nested ones their pointers do not fit the general registers.
template <class T, int O, int K>
void weight_tile(const ConvWeightTile<T>& t) {
  constexpr Int L = lanes<T>;
  const Int sum_output = t.sum_output, gy_output = t.gy_output;
  T* const sums = t.sum;
  Vec<T> sum[O][K];
#pragma GCC unroll 8
  for (int o = 0; o < O; ++o)
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) sum[o][k] = load(sums + o * sum_output + k * L);
  Int tap[K];
#pragma GCC unroll 8
  for (int k = 0; k < K; ++k) tap[k] = t.offset[k];
  const T *x = t.x, *gy = t.gy;
  const Int x_vector = t.x_vector;
  for (Int left = t.vectors, rows = t.rows;;) {
    Vec<T> slope[O];
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) slope[o] = load(gy + o * gy_output);
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
      const Vec<T> pixels = load(x + tap[k]);
#pragma GCC unroll 8
      for (int o = 0; o < O; ++o) sum[o][k] += pixels * slope[o];
    }
    gy += L;
    x += x_vector;
    if (--left == 0) {
      if (--rows == 0) break;
      left = t.vectors;
      x += t.x_row - left * x_vector;
      gy += t.gy_row - left * L;
    }
  }
#pragma GCC unroll 8
  for (int o = 0; o < O; ++o)
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) store(sums + o * sum_output + k * L, sum[o][k]);
}

// The tile of every size, each compiled with its sums in registers.
template <class T, int... i>
void tile_of_size(const ConvTile<T>& t, std::integer_sequence<int, i...>) {
  static constexpr void (*all[])(const ConvTile<T>&) = {conv_tile<T, i / most_vectors + 1, i % most_vectors + 1>...};
  all[(t.outputs - 1) * most_vectors + t.vectors - 1](t);
}
template <class T, int... i>
void weight_tile_of_size(const ConvWeightTile<T>& t, std::integer_sequence<int, i...>) {
  constexpr int n = most_weight_taps;
  static constexpr void (*all[])(const ConvWeightTile<T>&) = {weight_tile<T, i / n + 1, i % n + 1>...};
  all[(t.outputs - 1) * n + t.taps - 1](t);
}

template <class T>
void any_tile(const ConvTile<T>& t) {
  tile_of_size(t, std::make_integer_sequence<int, most_outputs * most_vectors>());
}
template <class T>
void any_weight_tile(const ConvWeightTile<T>& t) {
  weight_tile_of_size(t, std::make_integer_sequence<int, most_weight_outputs * most_weight_taps>());
}

template <class T>
void interleave(Int images, Int rows, Int columns, const T* from, Int stride, T* to, Int row) {
  constexpr Int L = lanes<T>;
  const Int pixels = rows * columns, gap = row - columns * L;
  Int left = columns;  // of the row that is being written
  for (Int p = 0; p < pixels; p += L) {
    Vec<T> x[L];
    const Int n = pixels - p < L ? pixels - p : L;
    if (images == L && n == L) {
#pragma GCC unroll 16
      for (Int i = 0; i < L; ++i) {
        x[i] = load(from + i * stride + p);
        __builtin_prefetch(from + i * stride + p + L);
      }
    } else {
#pragma GCC unroll 16
      for (Int i = 0; i < L; ++i) x[i] = i < images ? load(from + i * stride + p, n) : Vec<T>{};
    }
    transpose<T>(x);
    if (n == L && left > L) {
#pragma GCC unroll 16
      for (Int j = 0; j < L; ++j) store(to + j * L, x[j]);
      to += L * L;
      left -= L;
      continue;
    }
#pragma GCC unroll 16
    for (Int j = 0; j < L; ++j) {
      if (j >= n) break;
      store(to, x[j]);
      to += L;
      if (--left == 0) to += gap, left = columns;
    }
  }
}

template <class T>
void deinterleave(Int images, Int pixels, const T* from, T* to, Int stride) {
  constexpr Int L = lanes<T>;
  for (Int p = 0; p < pixels; p += L) {
    Vec<T> x[L];
    const Int n = pixels - p < L ? pixels - p : L;
    if (n == L) {
#pragma GCC unroll 16
      for (Int j = 0; j < L; ++j) x[j] = load(from + (p + j) * L);
    } else {
#pragma GCC unroll 16
      for (Int j = 0; j < L; ++j) x[j] = j < n ? load(from + (p + j) * L) : Vec<T>{};
    }
    transpose<T>(x);
    if (images == L && n == L) {
#pragma GCC unroll 16
      for (Int i = 0; i < L; ++i) store(to + i * stride + p, x[i]);
    } else {
#pragma GCC unroll 16
      for (Int i = 0; i < L; ++i)
        if (i < images) store(to + i * stride + p, x[i], n);
    }
  }
}

// body(x, k): x points at the first pixel of window number k.
template <class T, class Pixel, class Body>
[[gnu::always_inline]] inline void for_each_window(Int rows, Int columns, Pixel* x, Int pitch, Body body) {
  constexpr Int L = lanes<T>;
  for (Int r = 0; r < rows; ++r, x += 2 * pitch)
    for (Int q = 0; q < columns; ++q) body(x + 2 * q * L, (r * columns + q) * L);
}

template <class T>
[[gnu::always_inline]] inline auto beats(Vec<T> candidate, Vec<T> best) {
  return (candidate > best) | (candidate != candidate);
}

template <class T>
void max_windows(Int rows, Int columns, const T* x, Int pitch, T* y, T* corner) {
  constexpr Int L = lanes<T>;
  for_each_window<T>(rows, columns, x, pitch, [=](const T* window, Int k) {
    Vec<T> largest = load(window), at{};
    const Vec<T> others[] = {load(window + L), load(window + pitch), load(window + pitch + L)};
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) {
      const auto larger = beats<T>(others[i], largest);
      largest = larger ? others[i] : largest;
      at = larger ? splat(static_cast<T>(i + 1)) : at;
    }
    store(y + k, largest);
    store(corner + k, at);
  });
}

template <class T>
void take_corners(Int rows, Int columns, const T* x, Int pitch, const T* corner, T* y) {
  constexpr Int L = lanes<T>;
  for_each_window<T>(rows, columns, x, pitch, [=](const T* window, Int k) {
    const Vec<T> at = load(corner + k);
    const Vec<T> top = at == T(0) ? load(window) : load(window + L);
    const Vec<T> low = at == T(2) ? load(window + pitch) : load(window + pitch + L);
    store(y + k, at < T(2) ? top : low);
  });
}

template <class T>
void put_corners(Int rows, Int columns, const T* y, const T* corner, T* x, Int pitch) {
  constexpr Int L = lanes<T>;
  for_each_window<T>(rows, columns, x, pitch, [=](T* window, Int k) {
    const Vec<T> at = load(corner + k), value = load(y + k), zero{};
    store(window, at == T(0) ? value : zero);
    store(window + L, at == T(1) ? value : zero);
    store(window + pitch, at == T(2) ? value : zero);
    store(window + pitch + L, at == T(3) ? value : zero);
  });
}

template <class T>
void sum_lanes(Int n, const T* from, T* to) {
  constexpr Int L = lanes<T>;
  for (Int k = 0; k < n; k += L) {
    const Int some = n - k < L ? n - k : L;
    Vec<T> x[L];
    for (Int i = 0; i < L; ++i) x[i] = i < some ? load(from + (k + i) * L) : Vec<T>{};
    transpose<T>(x);
#pragma GCC unroll 8
    for (Int half = L / 2; half > 0; half /= 2)
#pragma GCC unroll 8
      for (Int i = 0; i < half; ++i) x[i] += x[i + half];
    store(to + k, x[0], some);
  }
}

template <class T>
void copy_rows(Int rows, Int n, const T* from, Int from_row, T* to, Int to_row) {
  for (; rows > 0; --rows, from += from_row, to += to_row)
    for_each_vector<T>(
        n, [&](auto at) __attribute__((always_inline)) { at.store(to, at.load(from)); });
}

template <class T>
constexpr ConvKernels<T> kernels{lanes<T>,         most_outputs,   most_vectors,       most_weight_outputs,
                                 most_weight_taps, any_tile<T>,    any_weight_tile<T>, interleave<T>,
                                 deinterleave<T>,  max_windows<T>, take_corners<T>,    put_corners<T>,
                                 sum_lanes<T>,     copy_rows<T>};

}  // namespace

constinit const ConvKernels<float> conv_f32 = kernels<float>;
constinit const ConvKernels<double> conv_f64 = kernels<double>;

}  // namespace glocal::simd::GLOCAL_ISA

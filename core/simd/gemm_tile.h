// Register tiles of a product: R rows by V vectors of C stay in registers while k runs.
#pragma once
#include <cstdint>

#include <glocal/core/simd/transpose.h>
#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

// Masked loads are free with AVX-512, cheap with AVX2, and elsewhere the last panel is packed instead.
constexpr bool masks = vector_bytes > 16, always_masked = vector_bytes == 64;

/// What all tiles of one block of a product share.
template <class T>
struct Block {
  std::int64_t k, a_step, b_step, c_step;
  T alpha, beta;
  bool relu;
  bool transposed;  // rows of the tile are columns of C
  bool plain;       // C is the bare sum
};

// n lanes of C: alpha x + beta C + bias, relu.
template <class T>
[[gnu::always_inline]] inline void finish(const Block<T>& block, Vec<T> x, T* c, const T* bias, std::int64_t n) {
  const bool whole = n == lanes<T>;
  if (block.alpha != T(1)) x *= block.alpha;
  if (block.beta != T(0)) x += block.beta * (whole ? load(c) : load(c, n));
  if (bias) x += whole ? load(bias) : load(bias, n);
  if (block.relu) x = x < T(0) ? Vec<T>{} : x;
  if (whole)
    store(c, x);
  else
    store(c, x, n);
}

// The tile (rows, columns), in rows of `width`, goes to C.
template <class T>
[[gnu::noinline]] void finish_rows(const Block<T>& block, const T* tile, std::int64_t width, std::int64_t rows,
                                   std::int64_t columns, T* c, const T* bias) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; j += lanes<T>)
      finish<T>(block, load(tile + i * width + j), c + i * block.c_step + j, bias ? bias + j : nullptr,
                columns - j < lanes<T> ? columns - j : lanes<T>);
}

// The tile (rows, columns), in rows of `width`, becomes (columns, rows) in C.
template <class T>
[[gnu::noinline]] void finish_transposed(const Block<T>& block, const T* tile, std::int64_t width, std::int64_t rows,
                                         std::int64_t columns, T* c, const T* bias) {
  for (std::int64_t j = 0; j < columns; j += lanes<T>)
    for (std::int64_t i = 0; i < rows; i += lanes<T>) {
      Vec<T> x[lanes<T>];
      for (std::int64_t t = 0; t < lanes<T>; ++t) x[t] = i + t < rows ? load(tile + (i + t) * width + j) : Vec<T>{};
      transpose<T>(x);
      const std::int64_t wide = rows - i < lanes<T> ? rows - i : lanes<T>;
      const std::int64_t high = columns - j < lanes<T> ? columns - j : lanes<T>;
      for (std::int64_t t = 0; t < high; ++t)
        finish<T>(block, x[t], c + (j + t) * block.c_step + i, bias ? bias + i : nullptr, wide);
    }
}

// Strided: row r of A is a[r a_step + l]; else a[l a_step + r]. Masked: of the last vector of B only the lanes below
// `columns` may be read. columns: of C, more than V - 1 vectors.
template <class T, int R, int V, bool Strided, bool Masked>
void tile(const Block<T>& block, const T* a, const T* b, T* c, const T* bias, std::int64_t columns) {
  constexpr std::int64_t L = lanes<T>;
  const std::int64_t last = columns - (V - 1) * L, a_step = block.a_step, b_step = block.b_step;
  Vec<T> sum[R][V] = {};
  constexpr int groups = (R + 2) / 3;  // three rows to a pointer: as many as x86 addresses reach with one stride
  const T* row[groups];
#pragma GCC unroll 16
  for (int g = 0; g < groups; ++g) row[g] = a + 3 * g * (Strided ? a_step : 1);
  for (std::int64_t l = 0; l < block.k; ++l) {
    Vec<T> x[V];
    constexpr int ahead = 8;  // of B, which the first cache does not hold; measured
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) __builtin_prefetch(b + ahead * b_step + v * L);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) x[v] = Masked && v == V - 1 ? load(b + v * L, last) : load(b + v * L);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const T y = Strided ? row[r / 3][r % 3 * a_step] : a[r];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] += x[v] * y;
    }
    b += b_step;
    if constexpr (Strided) {
#pragma GCC unroll 16
      for (int g = 0; g < groups; ++g) ++row[g];
    } else {
      a += a_step;
    }
  }
  if (block.plain && (always_masked || last == L)) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, c += block.c_step)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v)
        if (always_masked && v == V - 1)
          store(c + v * L, sum[r][v], last);
        else
          store(c + v * L, sum[r][v]);
    return;
  }
  alignas(64) T out[R * V * L];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store(out + (r * V + v) * L, sum[r][v]);
  (block.transposed ? finish_transposed<T> : finish_rows<T>)(block, out, V * L, R, columns, c, bias);
}

template <class T>
using Tile = void (*)(const Block<T>&, const T* a, const T* b, T* c, const T* bias, std::int64_t columns);

constexpr int most_vectors = 4;
/// Rows of the largest tile of V vectors: all sums, one row of B and one number of A in registers.
constexpr int most_rows(int V) {
  const int rows = (registers - 1 - V) / V, cap = registers == 32 ? 14 : 6;
  return rows < cap ? rows : cap;
}

template <class T>
struct Tiles {
  Tile<T> at[2][2][most_vectors + 1][most_rows(1) + 1] = {};  // [strided][masked][V][R]

  constexpr Tiles() { vectors<most_vectors>(); }

 private:
  template <int V>
  constexpr void vectors() {
    rows<V, most_rows(V)>();
    if constexpr (V > 1) vectors<V - 1>();
  }
  template <int V, int R>
  constexpr void rows() {
    if constexpr (!always_masked) {
      at[0][0][V][R] = tile<T, R, V, false, false>;
      at[1][0][V][R] = tile<T, R, V, true, false>;
    }
    if constexpr (masks) {
      at[0][1][V][R] = tile<T, R, V, false, true>;
      at[1][1][V][R] = tile<T, R, V, true, true>;
    }
    if constexpr (R > 1) rows<V, R - 1>();
  }
};

template <class T>
constexpr Tiles<T> tiles;

}  // namespace
}  // namespace glocal::simd::GLOCAL_ISA

// The small matrix products at the points of a Winograd transform.
#pragma once
#include <cstdint>

#include <glocal/core/simd/vec.h>
#include <glocal/core/simd/winograd_layout.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

/// c[m][v] := or += sum over l < k of a[m][l] b[l][v], m rows by V vectors. Strided: a[m][l] is a[m * a_step + l], else
/// a[l * a_step + m].
struct Product {
  std::int64_t k, a_step, b_step, c_step;
  bool add;
};

template <int R, int V, bool Strided>
void product_tile(const Product& p, const float* a, const float* b, float* c) {
  const std::int64_t a_step = p.a_step;
  Vec<float> sum[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[r][v] = p.add ? load(c + r * p.c_step + v * L) : Vec<float>{};
  constexpr int groups = (R + 2) / 3;  // three rows to a pointer: as many as x86 addresses reach with one stride
  const float* row[groups];
#pragma GCC unroll 16
  for (int g = 0; g < groups; ++g) row[g] = a + 3 * g * (Strided ? a_step : 1);
  for (std::int64_t l = 0; l < p.k; ++l) {
    Vec<float> x[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) x[v] = load(b + v * L);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const float y = Strided ? row[r / 3][r % 3 * a_step] : a[r];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[r][v] += x[v] * y;
    }
    b += p.b_step;
    if constexpr (Strided) {
#pragma GCC unroll 16
      for (int g = 0; g < groups; ++g) ++row[g];
    } else {
      a += a_step;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) store(c + r * p.c_step + v * L, sum[r][v]);
}

/// All sums, one row of b and one number of a in registers.
template <int V>
constexpr int most_product_rows = registers == 32 || V == 1 ? 12 : 6;

template <int V, bool Strided>
struct ProductTiles {
  using Tile = void (*)(const Product&, const float*, const float*, float*);
  Tile of_rows[most_product_rows<V> + 1] = {};
  constexpr ProductTiles() { fill<most_product_rows<V>>(); }

 private:
  template <int R>
  constexpr void fill() {
    of_rows[R] = product_tile<R, V, Strided>;
    if constexpr (R > 1) fill<R - 1>();
  }
};
template <int V, bool Strided>
constexpr ProductTiles<V, Strided> product_tiles;

template <int V>
Int product_tile_count(Int rows) {
  return (rows + most_product_rows<V> - 1) / most_product_rows<V>;
}

/// The rows in as few tiles as there can be, about equally high; before() each of them.
template <int V, bool Strided, class Before>
[[gnu::always_inline]] inline void multiply(const Product& p, std::int64_t rows, const float* a, const float* b,
                                            float* c, Before before) {
  const std::int64_t tiles = product_tile_count<V>(rows);
  for (std::int64_t i = 0; i < tiles; ++i) {
    before();
    const std::int64_t first = rows * i / tiles, n = rows * (i + 1) / tiles - first;
    product_tiles<V, Strided>.of_rows[n](p, a + first * (Strided ? p.a_step : 1), b, c + first * p.c_step);
  }
}

}  // namespace
}  // namespace glocal::simd::GLOCAL_ISA

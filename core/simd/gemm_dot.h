// Products whose operands both run along k in memory, as dot products: nothing to pack, but sums across lanes at the
// end.
#pragma once
#include <cstdint>

#include <glocal/core/simd/product.h>
#include <glocal/core/simd/transpose.h>
#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

/// Lane i: the sum of the lanes of x[i].
template <class T>
[[gnu::always_inline]] inline Vec<T> sums(Vec<T> (&x)[lanes<T>]) {
#pragma GCC unroll 4
  for (int n = lanes<T> / 2; n > 0; n /= 2)
#pragma GCC unroll 8
    for (int i = 0; i < n; ++i) x[i] = interleave_low<T>(x[i], x[i + n]) + interleave_high<T>(x[i], x[i + n]);
  return x[0];
}

template <class T>
[[gnu::always_inline]] inline void finish_number(const Product<T>& p, T sum, std::int64_t i, std::int64_t j) {
  T* const c = p.c + i * p.c_row + j;
  T y = p.alpha * sum;
  if (p.beta != T(0)) y += p.beta * *c;
  if (p.bias) y += p.bias[j];
  *c = p.relu && y < T(0) ? T(0) : y;
}

// C (i.., j..), at most (M, N); rows that do not exist repeat the last one.
template <class T, int M, int N>
void dot_tile(const Product<T>& p, std::int64_t i, std::int64_t j) {
  constexpr int L = lanes<T>, groups = (M * N + L - 1) / L;
  const T *a[M], *b[N];
#pragma GCC unroll 8
  for (int r = 0; r < M; ++r) a[r] = p.a + (i + r < p.m ? i + r : p.m - 1) * p.a_row;
#pragma GCC unroll 8
  for (int s = 0; s < N; ++s) b[s] = p.b + (j + s < p.n ? j + s : p.n - 1) * p.b_col;
  Vec<T> sum[groups][L] = {};
  const auto step = [&](auto at) __attribute__((always_inline)) {
    Vec<T> y[N];
#pragma GCC unroll 8
    for (int s = 0; s < N; ++s) y[s] = at.load(b[s]);
#pragma GCC unroll 8
    for (int r = 0; r < M; ++r) {
      const Vec<T> x = at.load(a[r]);
#pragma GCC unroll 8
      for (int s = 0; s < N; ++s) sum[(r * N + s) / L][(r * N + s) % L] += x * y[s];
    }
  };
  std::int64_t l = 0;
  for (; l + L <= p.k; l += L) step(Whole<T>{l});
  if (l < p.k) step(Part<T>{l, p.k - l});
  T out[groups * L];
#pragma GCC unroll 8
  for (int g = 0; g < groups; ++g) store(out + g * L, sums<T>(sum[g]));
  for (int r = 0; r < M && i + r < p.m; ++r)
    for (int s = 0; s < N && j + s < p.n; ++s) finish_number(p, out[r * N + s], i + r, j + s);
}

template <class T, int M, int N>
void dot_tiles(const Product<T>& p) {
  for (std::int64_t j = 0; j < p.n; j += N)
    for (std::int64_t i = 0; i < p.m; i += M) dot_tile<T, M, N>(p, i, j);
}

template <class T>
void dot_products(const Product<T>& p) {
  if (p.m == 1)
    dot_tiles<T, 1, 8>(p);
  else if (p.n == 1)
    dot_tiles<T, 8, 1>(p);
  else
    dot_tiles<T, registers == 32 ? 4 : 2, 4>(p);
}

}  // namespace
}  // namespace glocal::simd::GLOCAL_ISA

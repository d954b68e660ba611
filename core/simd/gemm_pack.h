// Copies of operand blocks, in the order in which the tiles of a product read them.
#pragma once
#include <cstdint>

#include <glocal/core/simd/transpose.h>
#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

constexpr std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

// `rows` rows of n <= width numbers, rows `stride` apart, into rows of `width`, a multiple of lanes, zeros at the end.
template <class T>
void copy_rows(std::int64_t rows, std::int64_t n, const T* from, std::int64_t stride, std::int64_t width, T* to) {
  const std::int64_t whole = n / lanes<T> * lanes<T>;
  for (; rows > 0; --rows, from += stride, to += width) {
    std::int64_t j = 0;
    for (; j < whole; j += lanes<T>) store(to + j, load(from + j));
    if (j < n) {
      store(to + j, load(from + j, n - j));
      j += lanes<T>;
    }
    for (; j < width; j += lanes<T>) store(to + j, Vec<T>{});
  }
}

// As copy_rows, of a matrix stored transposed: number (l, j) is from[j stride + l].
template <class T>
void copy_transposed(std::int64_t rows, std::int64_t n, const T* from, std::int64_t stride, std::int64_t width, T* to) {
  constexpr std::int64_t L = lanes<T>;
  for (std::int64_t j = 0; j < width; j += L)
    for (std::int64_t l = 0; l < rows; l += L) {
      const std::int64_t high = least(L, rows - l), wide = n - j;
      const T* const corner = from + j * stride + l;
      Vec<T> x[L];
      if (high == L && wide >= L) {
#pragma GCC unroll 16
        for (std::int64_t t = 0; t < L; ++t) x[t] = load(corner + t * stride);
      } else {
        for (std::int64_t t = 0; t < L; ++t) x[t] = t < wide ? load(corner + t * stride, high) : Vec<T>{};
      }
      transpose<T>(x);
      if (high == L) {
#pragma GCC unroll 16
        for (std::int64_t t = 0; t < L; ++t) store(to + (l + t) * width + j, x[t]);
      } else {
        for (std::int64_t t = 0; t < high; ++t) store(to + (l + t) * width + j, x[t]);
      }
    }
}

// k rows of R numbers without gaps: out[l R + r] = from[l stride + r].
template <class T>
void copy_columns(std::int64_t k, std::int64_t R, const T* from, std::int64_t stride, T* to) {
  for (; k > 0; --k, from += stride, to += R)
    for (std::int64_t r = 0; r < R; r += lanes<T>) {
      if (R - r < lanes<T>)
        store(to + r, load(from + r, R - r), R - r);
      else
        store(to + r, load(from + r));
    }
}

}  // namespace
}  // namespace glocal::simd::GLOCAL_ISA

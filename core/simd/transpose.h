// Transposing lanes x lanes numbers in registers.
#pragma once
#include <cstddef>
#include <utility>

#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace cells {

/// What every instruction set shuffles fastest: the numbers inside of 16 bytes, and these as a whole.
template <class T>
constexpr int cell = 16 / static_cast<int>(sizeof(T));

// Lane i of the result is lane At(i) of a followed by b.
template <class T, class At, std::size_t... I>
[[gnu::always_inline]] inline Vec<T> shuffle(Vec<T> a, Vec<T> b, std::index_sequence<I...>) {
  return __builtin_shufflevector(a, b, At::lane(static_cast<int>(I))...);
}

/// Of each cell the lower (0) or upper (1) half, `run` numbers at a time: a0 b0 a1 b1, or a0 a1 b0 b1.
template <class T, int run, int half>
struct InCells {
  static constexpr int lane(int i) {
    const int c = cell<T>, e = i % c;
    return (e / run % 2 ? static_cast<int>(lanes<T>) : 0) + i / c * c + e / (2 * run) * run + e % run + half * c / 2;
  }
};
/// The even (0) or odd (1) cells of a, then those of b.
template <class T, int odd>
struct Cells {
  static constexpr int lane(int i) {
    const int c = cell<T>, n = static_cast<int>(lanes<T>) / c;
    return i / c / (n / 2) * static_cast<int>(lanes<T>) + (i / c % (n / 2) * 2 + odd) * c + i % c;
  }
};

// x[i], x[i + step] := their shuffles by Low and High, for every pair of rows.
template <class T, class Low, class High>
[[gnu::always_inline]] inline void shuffle_pairs(Vec<T> (&x)[lanes<T>], int step) {
  constexpr std::make_index_sequence<static_cast<std::size_t>(lanes<T>)> each;
#pragma GCC unroll 8
  for (int pair = 0; pair < lanes<T> / 2; ++pair) {
    const int i = pair / step * 2 * step + pair % step;
    const Vec<T> a = x[i], b = x[i + step];
    x[i] = shuffle<T, Low>(a, b, each);
    x[i + step] = shuffle<T, High>(a, b, each);
  }
}

}  // namespace cells

/// a0 b0 a1 b1 ... from the lower halves, and the same from the upper halves.
template <class T>
[[gnu::always_inline]] inline Vec<T> interleave_low(Vec<T> a, Vec<T> b) {
  if constexpr (lanes<T> == 2)
    return __builtin_shufflevector(a, b, 0, 2);
  else if constexpr (lanes<T> == 4)
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
  else if constexpr (lanes<T> == 8)
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  else
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
template <class T>
[[gnu::always_inline]] inline Vec<T> interleave_high(Vec<T> a, Vec<T> b) {
  if constexpr (lanes<T> == 2)
    return __builtin_shufflevector(a, b, 1, 3);
  else if constexpr (lanes<T> == 4)
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
  else if constexpr (lanes<T> == 8)
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  else
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/// x[i][j] becomes x[j][i].
template <class T>
[[gnu::always_inline]] inline void transpose(Vec<T> (&x)[lanes<T>]) {
  using namespace cells;
  constexpr int L = lanes<T>, c = cell<T>;
  shuffle_pairs<T, InCells<T, 1, 0>, InCells<T, 1, 1>>(x, 1);
  if constexpr (c == 4) shuffle_pairs<T, InCells<T, 2, 0>, InCells<T, 2, 1>>(x, 2);
  if constexpr (L > c)
#pragma GCC unroll 4
    for (int step = c; step < L; step *= 2) shuffle_pairs<T, Cells<T, 0>, Cells<T, 1>>(x, step);
  if constexpr (c == 4) {  // inside of cells the columns are in the order 0 2 1 3 by now
#pragma GCC unroll 4
    for (int i = 0; i < L; i += 4) {
      const Vec<T> second = x[i + 2];
      x[i + 2] = x[i + 1];
      x[i + 1] = second;
    }
  }
}

}  // namespace glocal::simd::GLOCAL_ISA

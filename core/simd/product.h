// What a dense product is told.
#pragma once
#include <cstdint>

namespace glocal::simd {

/// C (m, n) := alpha A B + beta C, then + bias (n,) in every row where bias is not null, then max(0, .) where relu.
/// Element (i, l) of A (m, k) is a[i a_row + l a_col], with a_row or a_col 1; B (k, n) likewise; C has rows of stride
/// c_row. beta = 0 overwrites C whatever it held. A, B and bias must not overlap C.
template <class T>
struct Product {
  std::int64_t m, n, k;
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;
  std::int64_t b_row, b_col;
  T alpha, beta;
  T* c;
  std::int64_t c_row;
  const T* bias = nullptr;
  bool relu = false;
};

}  // namespace glocal::simd

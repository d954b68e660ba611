// The four transforms of F(2x2, 3x3) and F(4x4, 3x3), on one line of vectors and on squares of them.
#pragma once
#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

template <int M>
struct Points;

/// Interpolation at 0, 1, -1 and infinity.
template <>
struct Points<2> {
  using V = Vec<float>;
  /// B^T x
  [[gnu::always_inline]] static void input(const V* x, V* v) {
    v[0] = x[0] - x[2];
    v[1] = x[1] + x[2];
    v[2] = x[2] - x[1];
    v[3] = x[1] - x[3];
  }
  /// G w
  [[gnu::always_inline]] static void filter(const V* w, V* u) {
    const V even = 0.5F * (w[0] + w[2]), odd = 0.5F * w[1];
    u[0] = w[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = w[2];
  }
  /// A^T p
  [[gnu::always_inline]] static void output(const V* p, V* y) {
    y[0] = p[0] + p[1] + p[2];
    y[1] = p[1] - p[2] - p[3];
  }
  /// A y
  [[gnu::always_inline]] static void output_adjoint(const V* y, V* p) {
    p[0] = y[0];
    p[1] = y[0] + y[1];
    p[2] = y[0] - y[1];
    p[3] = -y[1];
  }
  /// G^T u
  [[gnu::always_inline]] static void filter_adjoint(const V* u, V* w) {
    const V even = 0.5F * (u[1] + u[2]);
    w[0] = u[0] + even;
    w[1] = 0.5F * (u[1] - u[2]);
    w[2] = u[3] + even;
  }
};

/// Interpolation at 0, a, -a, b, -b and infinity. With a = 5/8, b = 3/2 the errors are half of those of 1 and 2, and
/// all numbers of B and A are exact.
template <>
struct Points<4> {
  using V = Vec<float>;
  static constexpr float a = 0.625F, b = 1.5F, a2 = a * a, b2 = b * b, a3 = a2 * a, b3 = b2 * b;
  static constexpr float product = a2 * b2, sum = a2 + b2;
  static constexpr float g0 = 1 / product, ga = 1 / (2 * a2 * (a2 - b2)), gb = 1 / (2 * b2 * (b2 - a2));

  [[gnu::always_inline]] static void input(const V* x, V* v) {
    const V even_a = x[4] - b2 * x[2], odd_a = x[3] - b2 * x[1];
    const V even_b = x[4] - a2 * x[2], odd_b = x[3] - a2 * x[1];
    v[0] = product * x[0] + (x[4] - sum * x[2]);
    v[1] = even_a + a * odd_a;
    v[2] = even_a - a * odd_a;
    v[3] = even_b + b * odd_b;
    v[4] = even_b - b * odd_b;
    v[5] = product * x[1] + (x[5] - sum * x[3]);
  }
  [[gnu::always_inline]] static void filter(const V* w, V* u) {
    const V even_a = ga * (w[0] + a2 * w[2]), odd_a = (ga * a) * w[1];
    const V even_b = gb * (w[0] + b2 * w[2]), odd_b = (gb * b) * w[1];
    u[0] = g0 * w[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = w[2];
  }
  [[gnu::always_inline]] static void output(const V* p, V* y) {
    const V even_a = p[1] + p[2], odd_a = p[1] - p[2], even_b = p[3] + p[4], odd_b = p[3] - p[4];
    y[0] = p[0] + even_a + even_b;
    y[1] = a * odd_a + b * odd_b;
    y[2] = a2 * even_a + b2 * even_b;
    y[3] = a3 * odd_a + (b3 * odd_b + p[5]);
  }
  [[gnu::always_inline]] static void output_adjoint(const V* y, V* p) {
    const V even_a = y[0] + a2 * y[2], odd_a = y[1] + a2 * y[3];
    const V even_b = y[0] + b2 * y[2], odd_b = y[1] + b2 * y[3];
    p[0] = y[0];
    p[1] = even_a + a * odd_a;
    p[2] = even_a - a * odd_a;
    p[3] = even_b + b * odd_b;
    p[4] = even_b - b * odd_b;
    p[5] = y[3];
  }
  [[gnu::always_inline]] static void filter_adjoint(const V* u, V* w) {
    const V even_a = ga * (u[1] + u[2]), even_b = gb * (u[3] + u[4]);
    w[0] = g0 * u[0] + (even_a + even_b);
    w[1] = (ga * a) * (u[1] - u[2]) + (gb * b) * (u[3] - u[4]);
    w[2] = a2 * even_a + (b2 * even_b + u[5]);
  }
};

/// The transform of a square: of its columns, then of its rows. load(i, j) -> vector, store(i * Out + j, vector).
template <int In, int Out, class Line, class Load, class Store>
[[gnu::always_inline]] inline void square(Line line, Load load, Store store) {
  Vec<float> half[Out][In];
#pragma GCC unroll 6
  for (int j = 0; j < In; ++j) {
    Vec<float> in[In], out[Out];
#pragma GCC unroll 6
    for (int i = 0; i < In; ++i) in[i] = load(i, j);
    line(in, out);
#pragma GCC unroll 6
    for (int i = 0; i < Out; ++i) half[i][j] = out[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < Out; ++i) {
    Vec<float> out[Out];
    line(half[i], out);
#pragma GCC unroll 6
    for (int j = 0; j < Out; ++j) store(i * Out + j, out[j]);
  }
}

}  // namespace
}  // namespace glocal::simd::GLOCAL_ISA

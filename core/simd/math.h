// Elementary functions lane by lane. In f32 by own polynomials, within 4 units in the last place of every argument
// (subnormal numbers, infinities, NaN and -0 included); in f64 by the C library.
#pragma once
#include <cmath>
#include <cstddef>

#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {

using Floats = Vec<float>;
using Doubles = Vec<double>;

/// The bits as integers, which is also the type of a comparison: mask ? a : b chooses lane by lane.
template <class V>
using Bits = decltype(V{} < V{});

template <class V>
[[gnu::always_inline]] inline Bits<V> bits(V x) {
  return reinterpret_cast<Bits<V>>(x);
}
[[gnu::always_inline]] inline Floats floats(Bits<Floats> x) { return reinterpret_cast<Floats>(x); }
[[gnu::always_inline]] inline Doubles doubles(Bits<Doubles> x) { return reinterpret_cast<Doubles>(x); }

template <class V>
[[gnu::always_inline]] inline V abs(V x) {
  return reinterpret_cast<V>(bits(x) & ~bits(-V{}));
}
/// Size of x >= 0 with the sign of y.
template <class V>
[[gnu::always_inline]] inline V with_sign(V x, V y) {
  return reinterpret_cast<V>(bits(x) | (bits(y) & bits(-V{})));
}
// x within bounds; a NaN stays NaN.
[[gnu::always_inline]] inline Floats within(float low, float high, Floats x) {
  return smaller(splat(high), larger(splat(low), x));
}

/// c0 + c1 x + c2 x^2 + ...
template <class... C>
[[gnu::always_inline]] inline Floats polynomial(Floats x, float c0, C... c) {
  if constexpr (sizeof...(C) == 0)
    return splat(c0);
  else
    return polynomial(x, c...) * x + c0;
}

// ---- exponentials: x = n log 2 + r with n whole, |r| <= log(2) / 2 ----

struct Reduced {
  Bits<Floats> n;
  Floats r, less_one;  // less_one = e^r - 1
};

// The argument is x + small. log 2 is split so that n times its first part is exact without a fused multiply-add.
[[gnu::always_inline]] inline Reduced reduce(Floats x, Floats small) {
  constexpr float to_integer = 0x1.8p23f;
  const Floats shifted = x * 0x1.715476p0f + to_integer, n = shifted - to_integer;
  const Floats r = (x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f + small;
  const Floats q = polynomial(r, 0.49999997f, 0.16666543f, 0.041667502f, 0.0083665317f, 0.0013864518f);
  return {bits(shifted) - bits(splat(to_integer)), r, r + r * r * q};
}

/// 2^n for -126 <= n <= 127.
[[gnu::always_inline]] inline Floats power_of_two(Bits<Floats> n) { return floats((n + 127) << 23); }

/// e^(x + small), where small is of the order of a rounding error of x.
[[gnu::always_inline]] inline Floats exp(Floats x, Floats small) {
  const Reduced z = reduce(within(-105, 89, x), small);
  const Bits<Floats> half = z.n >> 1;  // 2^n itself may be too large or too small
  return (1 + z.less_one) * power_of_two(half) * power_of_two(z.n - half);
}
[[gnu::always_inline]] inline Floats exp(Floats x) { return exp(x, Floats{}); }

[[gnu::always_inline]] inline Floats expm1(Floats x) {
  const Reduced z = reduce(within(-20, 89, x), Floats{});
  const Floats half = power_of_two(z.n - 1), y = 2 * (z.less_one * half + (half - 0.5f));
  return abs(x) < 0x1p-25f ? x : y;
}

[[gnu::always_inline]] inline Floats tanh(Floats x) {
  const Floats t = expm1(-2 * abs(x));
  return with_sign(abs(t / (2 + t)), x);
}

// ---- logarithms: x = 2^e (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2) ----

// e log 2 + log(1 + f)
[[gnu::always_inline]] inline Floats log_sum(Bits<Floats> e, Floats f) {
  const Floats n = __builtin_convertvector(e, Floats), square = f * f;
  const Floats p = polynomial(f, 0.33333302f, -0.25000808f, 0.20002855f, -0.16624893f, 0.14174742f, -0.13122578f,
                              0.12903808f, -0.078866422f);
  return n * 0x1.62e4p-1f + (f - (0.5f * square - (f * square * p + n * 0x1.7f7d1cp-20f)));
}
// Of |x|: a sign bit would overflow here, and log_limits gives NaN for it anyway.
[[gnu::always_inline]] inline Bits<Floats> exponent(Floats x) {
  return ((bits(x) & 0x7fffffff) - bits(splat(0x1.6a09e6p-1f))) >> 23;
}
// y = log(size) where size > 0 is finite, else the limit there.
[[gnu::always_inline]] inline Floats log_limits(Floats size, Floats y) {
  constexpr float infinity = __builtin_inff();
  const Floats outside = size == 0 ? splat(-infinity) : splat(__builtin_nanf(""));
  return size > 0 ? (size < infinity ? y : size) : outside;
}

[[gnu::always_inline]] inline Floats log(Floats x) {
  const Bits<Floats> subnormal = x < 0x1p-126f;
  const Floats scaled = subnormal ? x * 0x1p23f : x;
  const Bits<Floats> e = exponent(scaled);
  return log_limits(x, log_sum(e + (subnormal & -23), floats(bits(scaled) - (e << 23)) - 1));
}

// The rounding error of u = 1 + x goes into f.
[[gnu::always_inline]] inline Floats log1p(Floats x) {
  const Floats u = 1 + x, back = u - 1, error = (1 - (u - back)) + (x - back);
  const Bits<Floats> e = exponent(u);
  const Floats f = (floats(bits(u) - (e << 23)) - 1) + error * floats(((127 - e) & (e < 64)) << 23);
  return x == 0 ? x : log_limits(u, log_sum(e, f));
}

// ---- the normal distribution and the error function ----

// erf(x) for |x| < 0.86
[[gnu::always_inline]] inline Floats erf_near_zero(Floats x) {
  return x +
         x * polynomial(x * x, 0.12837917f, -0.37612581f, 0.11282738f, -0.026801501f, 0.0050473539f, -0.00062848738f);
}
// erfc(z) e^(z^2) for 0.4 <= z <= 10.25, as P(t) / (z + 2) with t = (z - 2) / (z + 2)
[[gnu::always_inline]] inline Floats scaled_erfc(Floats z) {
  const Floats inverse = 1 / (z + 2), t = (z - 2) * inverse;
  return inverse * polynomial(t, 1.0215827f, -0.68716073f, 0.27947092f, -0.03644044f, -0.02149467f, 0.0064629745f,
                              0.0030099174f, -0.00078871078f, -0.00048956485f);
}
// e^(-factor z^2), factor 1/2 or 1, with z^2 as the exact square of the leading half of z and a small rest
[[gnu::always_inline]] inline Floats exp_of_square(Floats factor, Floats z) {
  const Floats lead = floats(bits(z) & -4096);
  return exp(-factor * (lead * lead), -factor * ((z - lead) * (z + lead)));
}

[[gnu::always_inline]] inline Floats erfc(Floats x) {
  const Floats z = smaller(splat(10.2f), abs(x)), tail = exp_of_square(splat(1.0f), z) * scaled_erfc(z);
  return z < 0.6f ? 1 - erf_near_zero(x) : x < 0 ? 2 - tail : tail;
}
[[gnu::always_inline]] inline Floats erf(Floats x) {
  const Floats z = smaller(splat(10.2f), abs(x)), tail = exp_of_square(splat(1.0f), z) * scaled_erfc(z);
  return z < 0.86f ? erf_near_zero(x) : with_sign(1 - tail, x);
}

/// Density and distribution function of the standard normal.
template <class V>
struct Normal {
  V density, cumulative;
};
[[gnu::always_inline]] inline Normal<Floats> normal(Floats x) {
  const Floats z = smaller(splat(14.4f), abs(x)), e = exp_of_square(splat(0.5f), z), scaled = z * 0.70710678f;
  const Floats tail = 0.5f * e * scaled_erfc(scaled), near = 0.5f + 0.5f * erf_near_zero(x * 0.70710678f);
  return {0.39894228f * e, scaled < 0.6f ? near : x > 0 ? 1 - tail : tail};
}

// ---- the C library's: all of f64, and what is seldom needed in f32 ----

template <class V, class F>
[[gnu::always_inline]] inline V lane_by_lane(V x, F f) {
  V y;
  for (std::size_t i = 0; i < sizeof(V) / sizeof(x[0]); ++i) y[i] = f(i);
  return y;
}

#define GLOCAL_LANE_BY_LANE(V, function)                                        \
  [[gnu::always_inline]] inline V function(V x) {                               \
    return lane_by_lane(x, [=](std::size_t i) { return std::function(x[i]); }); \
  }
GLOCAL_LANE_BY_LANE(Doubles, exp)
GLOCAL_LANE_BY_LANE(Doubles, expm1)
GLOCAL_LANE_BY_LANE(Doubles, tanh)
GLOCAL_LANE_BY_LANE(Doubles, log)
GLOCAL_LANE_BY_LANE(Doubles, log1p)
GLOCAL_LANE_BY_LANE(Doubles, erf)
GLOCAL_LANE_BY_LANE(Doubles, erfc)
GLOCAL_LANE_BY_LANE(Doubles, sin)
GLOCAL_LANE_BY_LANE(Doubles, cos)
GLOCAL_LANE_BY_LANE(Floats, sin)
GLOCAL_LANE_BY_LANE(Floats, cos)
#undef GLOCAL_LANE_BY_LANE

template <class V>
[[gnu::always_inline]] inline V pow(V x, V exponent) {
  return lane_by_lane(x, [=](std::size_t i) { return std::pow(x[i], exponent[i]); });
}
// As above; the rest is below 1e-4, so that four terms of its exponential are enough.
[[gnu::always_inline]] inline Doubles exp_of_square(Doubles factor, Doubles z) {
  const Doubles lead = doubles(bits(z) & -(1LL << 27)), rest = -factor * ((z - lead) * (z + lead));
  return exp(-factor * (lead * lead)) * (1 + rest * (1 + rest * (0.5 + rest * (1.0 / 6))));
}
// erfc(z) for the exact z = x / sqrt 2, x >= 0. Rounding z would cost the tail 2 z^2 roundings, so what was rounded is
// made up for to first order, by -erfc'(z) / erfc(z) = z + sqrt(z^2 + 4 / pi) (exact at 0 and at infinity).
[[gnu::always_inline]] inline Doubles erfc_of_scaled(Doubles x) {
  constexpr double lead_factor = 0x1.6a09e6p-1, small_factor = 0x1.9fcef32422cbfp-27;  // 1 / sqrt 2, in two parts
  const Doubles lead = doubles(bits(x) & -(1LL << 27)), rest = x - lead, z = x * 0.70710678118654752;
  const Doubles rounded = ((lead * lead_factor - z) + lead * small_factor + rest * lead_factor) + rest * small_factor;
  return erfc(z) * (1 - rounded * (z + sqrt(z * z + 1.2732395447351628)));
}
[[gnu::always_inline]] inline Normal<Doubles> normal(Doubles x) {
  const Doubles z = smaller(splat(40.0), abs(x)), tail = 0.5 * erfc_of_scaled(z);
  return {0.39894228040143268 * exp_of_square(splat(0.5), z), x > 0 ? 1 - tail : tail};
}

// ---- e^x for x <= 0, where a derivative is all exponential: in f64 too by a polynomial, within 2 units ----

[[gnu::always_inline]] inline Floats exp_of_negative(Floats x) { return exp(x); }
[[gnu::always_inline]] inline Doubles exp_of_negative(Doubles x) {
  constexpr double to_integer = 0x1.8p52;
  constexpr double inverse_factorials[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                                           1.0 / 362880,     1.0 / 40320,     1.0 / 5040,     1.0 / 720,
                                           1.0 / 120,        1.0 / 24,        1.0 / 6,        0.5};
  const Doubles z = larger(splat(-746.0), x), shifted = z * 0x1.71547652b82fep0 + to_integer, n = shifted - to_integer;
  const Doubles r = (z - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;  // log 2: n times its first part is exact
  Doubles q{};
  for (const double c : inverse_factorials) q = q * r + c;
  const Bits<Doubles> whole = bits(shifted) - bits(splat(to_integer)), half = whole >> 1;
  const auto power_of_two = [](Bits<Doubles> k) { return doubles((k + 1023) << 52); };  // 2^n may be too small
  return (1 + (r + r * r * q)) * power_of_two(half) * power_of_two(whole - half);
}

// ---- made of these, for both ----

/// 1 / (1 + e^-x); the exponential is of a negative number: no overflow, full accuracy at both ends.
template <class V>
[[gnu::always_inline]] inline V logistic(V x) {
  const V e = exp(-abs(x));
  return (x < 0 ? e : V{} + 1) / (1 + e);
}
/// Derivative of logistic: from the exponential, since s (1 - s) loses its digits where s comes near 1.
template <class V>
[[gnu::always_inline]] inline V logistic_slope(V x) {
  const V e = exp_of_negative(-abs(x)), sum = 1 + e;
  return e / (sum * sum);
}
/// Derivative of tanh, likewise: 1 / cosh^2.
template <class V>
[[gnu::always_inline]] inline V tanh_slope(V x) {
  return 4 * logistic_slope(2 * x);
}
/// e^(-factor x^2), factor 1/2 or 1; 0 far out
template <class V>
[[gnu::always_inline]] inline V gaussian(V factor, V x) {
  constexpr auto far = sizeof(x[0]) == 4 ? 15 : 40;
  return exp_of_square(factor, smaller(V{} + far, abs(x)));
}
/// log(1 + e^x)
template <class V>
[[gnu::always_inline]] inline V softplus(V x) {
  return (x > 0 ? x : V{}) + log1p(exp(-abs(x)));
}

}  // namespace glocal::simd::GLOCAL_ISA

#include <glocal/core/random.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/parallel.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

constexpr std::int64_t grain = 1 << 14;  // even: a chunk starts with the first draw of a block

constexpr std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
constexpr std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }
constexpr std::uint64_t join(std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; }

// Both draws of block `index` of the stream: number 2 index and number 2 index + 1.
std::pair<std::uint64_t, std::uint64_t> draws(Key key, std::uint64_t index) {
  const auto w = philox4x32({low(index), high(index), low(key.hi), high(key.hi)}, {low(key.lo), high(key.lo)});
  return {join(w[0], w[1]), join(w[2], w[3])};
}

double to_unit(std::uint64_t x) { return static_cast<double>(x >> 11) * 0x1p-53; }               // [0, 1)
double to_open_unit(std::uint64_t x) { return (static_cast<double>(x >> 12) + 0.5) * 0x1p-52; }  // (0, 1)

// log x for normal x > 0 by 2 artanh((m-1)/(m+1)): own arithmetic, because libraries differ in the last bit.
double portable_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1), s2 = s * s;
  double series = 0;
  for (int k = 23; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return 2 * s * series + exponent * 0.69314718055994531;
}

template <std::size_t N>
double polynomial(const double (&c)[N], double x) {
  double y = c[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) y = y * x + c[i];
  return y;
}

// Inverse of the normal distribution function for 0 < p < 1, relative error about 1e-16 (Wichura, "Algorithm AS 241:
// the percentage points of the normal distribution", Applied Statistics 37, 1988, PPND16).
double normal_quantile(double p) {
  static constexpr double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                                 1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                                 3.3430575583588128105e4, 2.5090809287301226727e3};
  static constexpr double b[] = {1.0,
                                 4.2313330701600911252e1,
                                 6.8718700749205790830e2,
                                 5.3941960214247511077e3,
                                 2.1213794301586595867e4,
                                 3.9307895800092710610e4,
                                 2.8729085735721942674e4,
                                 5.2264952788528545610e3};
  static constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                 3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr double d[] = {1.0,
                                 2.05319162663775882187e0,
                                 1.67638483018380384940e0,
                                 6.89767334985100004550e-1,
                                 1.48103976427480074590e-1,
                                 1.51986665636164571966e-2,
                                 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9};
  static constexpr double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                 2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr double f[] = {1.0,
                                 5.99832206555887937690e-1,
                                 1.36929880922735805310e-1,
                                 1.48753612908506148525e-2,
                                 7.86869131145613259100e-4,
                                 1.84631831751005468180e-5,
                                 1.42151175831644588870e-7,
                                 2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(a, r) / polynomial(b, r);
  }
  const double r = std::sqrt(-portable_log(q < 0 ? p : 1 - p));
  const double tail =
      r <= 5 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6) : polynomial(e, r - 5) / polynomial(f, r - 5);
  return q < 0 ? -tail : tail;
}

// out[i] = T(f(draw i)), two numbers from each block.
template <class T, class F>
void fill(Key key, Tensor& out, F f) {
  T* const numbers = out.data<T>();
  parallel_for(out.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += 2) {
      const auto [first, second] = draws(key, static_cast<std::uint64_t>(i) / 2);
      numbers[i] = static_cast<T>(f(first));
      if (i + 1 < end) numbers[i + 1] = static_cast<T>(f(second));
    }
  });
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * counter[0], p1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {high(p1) ^ counter[1] ^ key[0], low(p1), high(p0) ^ counter[3] ^ key[1], low(p0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

Key key(std::uint64_t seed) { return split({}, seed); }

Key split(Key parent, std::uint64_t i) {
  constexpr std::uint64_t split_domain = 0x9E3779B97F4A7C15;  // keeps children apart from the parent's own draws
  const auto [hi, lo] = draws({parent.hi, parent.lo ^ split_domain}, i);
  return {hi, lo};
}

std::uint64_t bits(Key key, std::uint64_t counter) {
  const auto [first, second] = draws(key, counter / 2);
  return counter % 2 ? second : first;
}

// Multiply-shift, redrawn while the low word is in the biased zone (Lemire, ACM TOMACS 29, 2019).
std::int64_t uniform_int(Key key, std::uint64_t counter, std::int64_t n) {
  if (n < 1) fail<ValueError>("[uniform_int] needs n >= 1, got {}", n);
  const auto range = static_cast<std::uint64_t>(n);
  const std::uint64_t biased_below = (0 - range) % range;
  __extension__ using Wide = unsigned __int128;
  Wide product = Wide{bits(key, counter)} * range;
  for (std::uint64_t attempt = 0; static_cast<std::uint64_t>(product) < biased_below; ++attempt)
    product = Wide{bits(split(key, counter), attempt)} * range;
  return static_cast<std::int64_t>(product >> 64);
}

Tensor uniform(Key key, const Shape& shape, double lo, double hi, DType dtype) {
  const double width = hi - lo;
  if (!(lo <= hi) || !std::isfinite(width)) fail<ValueError>("[uniform] needs finite lo <= hi, got {} and {}", lo, hi);
  return visit_float(dtype, "uniform", [&]<class T>() {
    Tensor out(shape, dtype);
    fill<T>(key, out, [=](std::uint64_t x) { return lo + width * to_unit(x); });
    return out;
  });
}

Tensor normal(Key key, const Shape& shape, double mean, double stddev, DType dtype) {
  if (!std::isfinite(mean) || !std::isfinite(stddev) || stddev < 0)
    fail<ValueError>("[normal] needs a finite mean and stddev >= 0, got {} and {}", mean, stddev);
  return visit_float(dtype, "normal", [&]<class T>() {
    Tensor out(shape, dtype);
    fill<T>(key, out, [=](std::uint64_t x) { return mean + stddev * normal_quantile(to_open_unit(x)); });
    return out;
  });
}

Tensor bernoulli(Key key, double p, const Shape& shape, DType dtype) {
  if (!(p >= 0 && p <= 1)) fail<ValueError>("[bernoulli] needs 0 <= p <= 1, got {}", p);
  return visit_any(dtype, [&]<class T>() {
    Tensor out(shape, dtype);
    fill<T>(key, out, [=](std::uint64_t x) { return to_unit(x) < p ? 1 : 0; });
    return out;
  });
}

Tensor permutation(Key key, std::int64_t n) {
  if (n < 0 || n > INT32_MAX) fail<ValueError>("[permutation] needs 0 <= n < 2^31, got {}", n);
  Tensor out({n}, DType::i32);
  auto* const order = out.data<std::int32_t>();
  for (std::int64_t i = 0; i < n; ++i) order[i] = static_cast<std::int32_t>(i);
  for (std::int64_t i = n - 1; i > 0; --i)
    std::swap(order[i], order[uniform_int(key, static_cast<std::uint64_t>(i), i + 1)]);
  return out;
}

}  // namespace glocal

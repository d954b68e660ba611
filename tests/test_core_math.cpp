// The f32 functions of every instruction set against the C library in double, over all magnitudes and the special
// numbers; bounds are in units in the last place of the exact result, measured over a sweep of every 5003rd f32.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include <glocal/core/simd/elementwise.h>

using namespace glocal;
using simd::Formula;

namespace {

struct Function {
  Formula formula;
  double (*exact)(double);
  double bound;
  bool product = false;  // of x and a factor that may be subnormal, whose spacing then counts
};

double normal_cumulative(double x) { return 0.5 * std::erfc(-x * 0.70710678118654752440); }

const Function functions[] = {
    {Formula::exp, [](double x) { return std::exp(x); }, 1},
    {Formula::log, [](double x) { return std::log(x); }, 1},
    {Formula::log1p, [](double x) { return std::log1p(x); }, 1.5},
    {Formula::sqrt, [](double x) { return std::sqrt(x); }, 0.5},
    {Formula::rsqrt, [](double x) { return 1 / std::sqrt(x); }, 1.5},
    {Formula::sin, [](double x) { return std::sin(x); }, 1},
    {Formula::cos, [](double x) { return std::cos(x); }, 1},
    {Formula::erf, [](double x) { return std::erf(x); }, 1.5},
    {Formula::gaussian, [](double x) { return std::exp(-x * x); }, 2},
    {Formula::tanh, [](double x) { return std::tanh(x); }, 3},
    {Formula::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 2.5},
    {Formula::softplus, [](double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::abs(x))); }, 2},
    {Formula::gelu, [](double x) { return x * normal_cumulative(x); }, 4, true},
    {Formula::silu, [](double x) { return x / (1 + std::exp(-x)); }, 3, true},
    {Formula::elu, [](double x) { return x > 0 ? x : std::expm1(x); }, 2},
};

// The distance between f32 numbers at y.
double unit_in_last_place(double y) {
  int exponent = 0;
  std::frexp(std::min(std::abs(y), 3.4e38), &exponent);
  return std::ldexp(1.0, std::max(exponent - 24, -149));
}

// Distance in such units, at least `smallest`; an infinity counts as 2^128, the sign of 0 must be right.
double distance(float y, double exact, double smallest) {
  const float rounded = static_cast<float>(exact);
  if (std::isnan(rounded) || std::isnan(y)) return std::isnan(rounded) && std::isnan(y) ? 0 : HUGE_VAL;
  if (y == rounded && (y != 0 || std::signbit(y) == std::signbit(rounded) || exact != 0)) return 0;
  if (exact == 0 || std::isinf(exact)) return HUGE_VAL;
  const double number = std::isinf(y) ? std::copysign(0x1p128, y) : static_cast<double>(y);
  return std::abs(number - exact) / std::max(unit_in_last_place(exact), smallest);
}

std::vector<float> sweep() {
  std::vector<float> x{0.0F,      -0.0F,     1.0F,   -1.0F,  1e-45F, -1e-45F, 1.17549435e-38F,
                       88.72283F, 88.72284F, -87.4F, -104.0F};
  for (const double limit : {HUGE_VAL, -HUGE_VAL, std::nan(""), 3.4028234663852886e38, -3.4028234663852886e38})
    x.push_back(static_cast<float>(limit));
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 5003)
    x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  for (int i = -20000; i <= 20000; ++i) x.push_back(static_cast<float>(i) * 1.1e-3F);
  return x;
}

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("core math: every f32 function keeps its bound in units in the last place") {
  const std::vector<float> x = sweep();
  std::vector<float> y(x.size());
  for (const Isa set : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (set > isa()) continue;
    for (const Function& f : functions) {
      simd::elementwise_f32(set)[f.formula](static_cast<std::int64_t>(x.size()), x.data(), x.data(), 1, y.data());
      double worst = 0;
      float place = 0;
      for (std::size_t i = 0; i < x.size(); ++i)
        if (const double d =
                distance(y[i], f.exact(static_cast<double>(x[i])), f.product ? std::abs(x[i]) * 0x1p-149 : 0);
            d > worst) {
          worst = d;
          place = x[i];
        }
      INFO(to_string(set), " ", std::string(name_of(f.formula)), " at ", place);
      CHECK(worst <= f.bound);
    }
  }
}

TEST_CASE("core math: a part of a vector gives the bits of the whole, and nothing behind it is written") {
  const std::vector<float> x = sweep();
  for (const Isa set : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (set > isa()) continue;
    for (int k = 0; k < static_cast<int>(Formula::count); ++k) {
      const auto kernel = simd::elementwise_f32(set)[static_cast<Formula>(k)];
      const float *a = x.data() + x.size() - 40, *b = x.data() + x.size() - 90;
      float whole[32] = {}, part[32] = {};
      kernel(32, a, b, 1.5F, whole);
      for (std::int64_t n = 0; n <= 16; ++n) {
        for (float& v : part) v = -77;
        kernel(n, a, b, 1.5F, part);
        bool same = part[n] == -77;
        for (std::int64_t i = 0; i < n; ++i)
          same = same && std::bit_cast<std::uint32_t>(part[i]) == std::bit_cast<std::uint32_t>(whole[i]);
        INFO(to_string(set), " ", std::string(name_of(static_cast<Formula>(k))), " n = ", n);
        CHECK(same);
      }
    }
  }
}

TEST_CASE("core math: f64 functions are the C library's to two roundings") {
  std::vector<double> x, y(4001);
  for (int i = -2000; i <= 2000; ++i) x.push_back(i * 0.0101);
  for (const Isa set : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (set > isa()) continue;
    for (const Function& f : functions) {
      // What double cannot judge, since it rounds x / sqrt(2) and x^2; test_hard_cases_far_out.cpp does in long double.
      if (f.formula == Formula::gelu || f.formula == Formula::gaussian) continue;
      simd::elementwise_f64(set)[f.formula](4001, x.data(), x.data(), 1, y.data());
      double worst = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double exact = f.exact(x[i]);
        if (std::isnan(exact) != std::isnan(y[i])) worst = HUGE_VAL;
        if (exact != y[i]) worst = std::max(worst, std::abs(y[i] - exact) / std::abs(exact));
      }
      INFO(to_string(set), " ", std::string(name_of(f.formula)));
      CHECK(worst <= 1e-15);
    }
  }
}

TEST_SUITE_END();

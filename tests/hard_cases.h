// What the tests of numerically hard cases share: numbers in and out, and a comparison that tells NaN, infinities and
// the signs of zeros apart.
#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

namespace glocal::hard {

using Numbers = std::vector<double>;
constexpr double inf = std::numeric_limits<double>::infinity(), NaN = std::numeric_limits<double>::quiet_NaN();
constexpr DType both[] = {DType::f32, DType::f64};

inline double eps_of(DType dtype) {
  return dtype == DType::f32 ? double(std::numeric_limits<float>::epsilon()) : std::numeric_limits<double>::epsilon();
}
inline double largest_of(DType dtype) {
  return dtype == DType::f32 ? double(std::numeric_limits<float>::max()) : std::numeric_limits<double>::max();
}
inline double smallest_of(DType dtype) {  // subnormal
  return dtype == DType::f32 ? double(std::numeric_limits<float>::denorm_min())
                             : std::numeric_limits<double>::denorm_min();
}

inline Var tensor(const Numbers& numbers, const Shape& shape, DType dtype) {
  return Tensor::from(numbers, shape).to(dtype);
}
inline Var vec(const Numbers& numbers, DType dtype) {
  return tensor(numbers, {static_cast<std::int64_t>(numbers.size())}, dtype);
}
inline Var ones(const Shape& shape, DType dtype) { return Tensor::ones(shape, dtype); }
inline Numbers numbers(const Var& x) {
  Numbers out;
  for (std::int64_t i = 0; i < x.size(); ++i) out.push_back(x.value().at(i));
  return out;
}

/// Equal as numbers: NaN equals NaN, zeros have their sign, the rest is within `relative` of the wanted number.
inline bool same(double got, double wanted, double relative = 0) {
  if (std::isnan(wanted) || std::isnan(got)) return std::isnan(wanted) && std::isnan(got);
  if (got == wanted) return wanted != 0 || std::signbit(got) == std::signbit(wanted);
  return std::isfinite(wanted) && std::abs(got - wanted) <= relative * std::abs(wanted);
}

inline void check_near(const Numbers& got, const Numbers& wanted, double relative, double absolute = 0) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CAPTURE(got[i]);
    CAPTURE(wanted[i]);
    if (std::isfinite(wanted[i]))
      CHECK(std::abs(got[i] - wanted[i]) <= relative * std::abs(wanted[i]) + absolute);
    else
      CHECK(same(got[i], wanted[i]));
  }
}

/// f at one number and its derivative there, by forward and by reverse mode, and the second derivative.
struct AtPoint {
  double y, forward, reverse, second;
};
template <class F>
AtPoint at_point(F f, double x, DType dtype = DType::f64) {
  const Var v = Tensor::scalar(x, dtype), one = ones_like(v);
  const auto [y, dy] = jvp(f, v, one);
  const auto derivative = [&](const Var& u) { return jvp(f, u, one).second; };
  return {y.item(), dy.item(), vjp(f, v).second(one).item(), jvp(derivative, v, one).second.item()};
}

}  // namespace glocal::hard

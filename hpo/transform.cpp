#include <glocal/hpo/transform.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>

namespace glocal::hpo {
namespace {

struct Range {
  double low, high;  // open
};

// What the values may be: the range of the transform as dtype has its ends, normal numbers where it begins at 0.
Range range_of(const Hyperparameter& p, DType dtype) {
  return visit_float(dtype, "space", [&]<class T>() {
    using Limits = std::numeric_limits<T>;
    const double infinity = Limits::infinity();
    const double below_normal = std::nextafter(Limits::min(), T(0));
    switch (p.transform) {
      case Transform::identity: break;
      case Transform::log: return Range{below_normal, infinity};
      case Transform::logit: return Range{static_cast<T>(p.low), static_cast<T>(p.high)};
    }
    return Range{-infinity, infinity};
  });
}

double largest(DType dtype) {
  return visit_float(dtype, "space", []<class T>() -> double { return std::numeric_limits<T>::max(); });
}

}  // namespace

std::string_view name_of(Transform transform) {
  switch (transform) {
    case Transform::identity: return "identity";
    case Transform::log: return "log";
    case Transform::logit: return "logit";
  }
  fail<ValueError>("[space] unknown transform {}", static_cast<int>(transform));
}

double unconstrained(const Hyperparameter& p, double v) {
  double u = v;
  switch (p.transform) {
    case Transform::identity: break;
    case Transform::log: u = std::log(v); break;
    case Transform::logit: u = std::log((v - p.low) / (p.high - v)); break;
  }
  if (!std::isfinite(u))
    fail<ValueError>("[space] {} = {} is outside the open range of its transform {}; start inside it", p.name, v,
                     name_of(p.transform));
  return u;
}

Var transformed(const Hyperparameter& p, const Var& u) {
  switch (p.transform) {
    case Transform::identity: return u;
    case Transform::log: return exp(u);
    case Transform::logit: return sigmoid(u) * (p.high - p.low) + p.low;
  }
  fail<ValueError>("[space] unknown transform of {}", p.name);
}

bool usable(const Hyperparameter& p, double v, DType dtype) {
  const Range range = range_of(p, dtype);
  return v > range.low && v < range.high;
}

// From the end of the range inwards, in steps that double, until a value survives the way to u and back.
double nearest_usable(const Hyperparameter& p, double wanted, DType dtype) {
  const Range range = range_of(p, dtype);
  const double low = std::max(range.low, -largest(dtype)), high = std::min(range.high, largest(dtype));
  const bool above = std::isfinite(range.high) ? wanted > low / 2 + high / 2 : wanted > 1;
  const bool bounded = std::isfinite(range.low) && std::isfinite(range.high);
  const double width = bounded ? high - low : std::abs(above ? high : low);
  for (int i = 1080; i > 0; --i) {
    const double v = above ? high - std::ldexp(width, -i) : low + std::ldexp(width, -i);
    if (!(v > low && v < high)) continue;
    const Var u = Tensor::scalar(unconstrained(p, v), dtype);
    if (usable(p, transformed(p, u).item(), dtype)) return v;
  }
  return std::clamp(wanted, low, high);
}

std::string at_an_end(const Hyperparameter& p, std::int64_t j, double v, double wanted, DType dtype) {
  const std::string name = p.shape.rank() == 0 ? p.name : fmt::format("{}[{}]", p.name, j);
  const int digits = dtype == DType::f32 ? 9 : 17;  // as many as tell it from the end
  return fmt::format(
      "{} = {:.{}g} is at the end of what {} can hold of its transform {}, where it would no longer move; the nearest "
      "usable value is {:.{}g}{}",
      name, v, digits, dtype, name_of(p.transform), nearest_usable(p, wanted, dtype), digits,
      dtype == DType::f32 ? ", or compute in f64" : "");
}

}  // namespace glocal::hpo

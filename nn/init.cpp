#include <glocal/nn/init.h>

#include <cmath>
#include <cstdint>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal::nn {

Fans fans(const Shape& weight) {
  if (weight.rank() == 2) return {weight[0], weight[1]};
  if (weight.rank() == 4) {
    const std::int64_t window = weight.product(2, 4);
    return {checked_mul(weight[1], window), checked_mul(weight[0], window)};
  }
  fail<ShapeError>("[init] weight {} is neither (in, out) nor (O, C, KH, KW)", weight);
}

namespace {

// Standard deviation of kaiming and xavier weights: sqrt(2 / fan).
double kaiming(const Shape& weight, Fan fan) {
  const Fans f = fans(weight);
  return std::sqrt(2 / static_cast<double>(fan == Fan::in ? f.in : f.out));
}

double xavier(const Shape& weight) {
  const Fans f = fans(weight);
  return std::sqrt(2 / static_cast<double>(f.in + f.out));
}

// A uniform distribution in +-b has standard deviation b / sqrt(3).
Tensor uniform_with(Key key, const Shape& weight, double deviation, DType dtype) {
  const double bound = std::sqrt(3.0) * deviation;
  return uniform(key, weight, -bound, bound, dtype);
}

}  // namespace

Tensor kaiming_normal(Key key, const Shape& weight, Fan fan, DType dtype) {
  return normal(key, weight, 0, kaiming(weight, fan), dtype);
}
Tensor kaiming_uniform(Key key, const Shape& weight, Fan fan, DType dtype) {
  return uniform_with(key, weight, kaiming(weight, fan), dtype);
}
Tensor xavier_normal(Key key, const Shape& weight, DType dtype) {
  return normal(key, weight, 0, xavier(weight), dtype);
}
Tensor xavier_uniform(Key key, const Shape& weight, DType dtype) {
  return uniform_with(key, weight, xavier(weight), dtype);
}
Tensor fan_in_uniform(Key key, const Shape& shape, std::int64_t fan_in, DType dtype) {
  if (fan_in < 1) fail<ValueError>("[init] fan_in is {}; a layer needs at least one input", fan_in);
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  return uniform(key, shape, -bound, bound, dtype);
}

}  // namespace glocal::nn

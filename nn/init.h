// Initial weights. Fans are counted from the weight's shape: (in, out) of a Linear, (O, C / groups, KH, KW) of a
// Conv2d.
#pragma once
#include <cstdint>

#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal::nn {

struct Fans {
  std::int64_t in, out;
};
/// Throws ShapeError unless the weight has rank 2 or 4.
Fans fans(const Shape& weight);

enum class Fan { in, out };

/// Normal with standard deviation sqrt(2 / fan) (He, Zhang, Ren, Sun, ICCV 2015): for layers followed by relu.
Tensor kaiming_normal(Key key, const Shape& weight, Fan fan = Fan::in, DType dtype = DType::f32);
/// Uniform in +-sqrt(6 / fan): the same variance.
Tensor kaiming_uniform(Key key, const Shape& weight, Fan fan = Fan::in, DType dtype = DType::f32);
/// Normal with standard deviation sqrt(2 / (in + out)) (Glorot, Bengio, AISTATS 2010).
Tensor xavier_normal(Key key, const Shape& weight, DType dtype = DType::f32);
/// Uniform in +-sqrt(6 / (in + out)): the same variance.
Tensor xavier_uniform(Key key, const Shape& weight, DType dtype = DType::f32);
/// Uniform in +-1 / sqrt(fan_in): PyTorch's initial weight and bias of Linear and Conv2d, and the default here.
Tensor fan_in_uniform(Key key, const Shape& shape, std::int64_t fan_in, DType dtype = DType::f32);

}  // namespace glocal::nn

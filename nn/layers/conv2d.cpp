#include <glocal/nn/layers/conv2d.h>

#include <cstdint>

#include <glocal/autodiff/ops.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/nn/init.h>

namespace glocal::nn {

Conv2d::Conv2d(Key key, std::int64_t channels, std::int64_t out, std::int64_t kernel, const Conv2dOptions& options,
               DType dtype)
    : spec(options.spec) {
  if (spec.groups < 1 || channels % spec.groups != 0 || out % spec.groups != 0)
    fail<ValueError>("[conv2d] {} groups do not divide {} input and {} output channels", spec.groups, channels, out);
  const Shape shape{out, channels / spec.groups, kernel, kernel};
  const std::int64_t fan_in = fans(shape).in;
  weight = fan_in_uniform(split(key, 0), shape, fan_in, dtype);
  if (options.bias) bias = fan_in_uniform(split(key, 1), {out}, fan_in, dtype);
}

Var Conv2d::operator()(const Var& x) const { return bias ? conv2d(x, weight, *bias, spec) : conv2d(x, weight, spec); }

}  // namespace glocal::nn

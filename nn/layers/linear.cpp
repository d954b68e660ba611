#include <glocal/nn/layers/linear.h>

#include <cstdint>

#include <glocal/autodiff/ops.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/nn/init.h>

namespace glocal::nn {

Linear::Linear(Key key, std::int64_t in, std::int64_t out, DType dtype)
    : weight(fan_in_uniform(split(key, 0), {in, out}, in, dtype)),
      bias(fan_in_uniform(split(key, 1), {out}, in, dtype)) {}

Var Linear::operator()(const Var& x) const {
  if (x.rank() != 2 || x.dim(1) != weight.dim(0))
    fail<ShapeError>("[linear] weight {} expects x of shape (N, {}), x has shape {}", weight.shape(), weight.dim(0),
                     x.shape());
  return linear(x, weight, bias);
}

}  // namespace glocal::nn

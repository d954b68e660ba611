#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {

Tensor dropout_mask(Key key, double rate, const Shape& shape, DType dtype) {
  if (!(rate >= 0 && rate < 1)) fail<ValueError>("[dropout_mask] rate = {} must lie in [0, 1)", rate);
  Tensor mask = bernoulli(key, 1 - rate, shape, dtype);
  visit_float(dtype, "dropout_mask", [&]<class T>() {
    const T kept = static_cast<T>(1 / (1 - rate));
    for (T& m : mask.span<T>()) m *= kept;
  });
  return mask;
}

}  // namespace glocal

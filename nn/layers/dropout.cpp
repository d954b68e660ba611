#include <glocal/nn/layers/dropout.h>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

Dropout::Dropout(double probability) : rate(probability) {
  if (!(rate >= 0 && rate < 1)) fail<ValueError>("[dropout] rate {} is outside [0, 1)", rate);
}

Var Dropout::operator()(const Var& x, Pass& pass) const {
  if (!pass.training || rate == 0) return x;
  return x * Var(dropout_mask(pass.next_key(), rate, x.shape(), x.dtype()));
}

}  // namespace glocal::nn

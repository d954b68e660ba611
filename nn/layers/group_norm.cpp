#include <glocal/nn/layers/group_norm.h>

#include <cstdint>

#include <glocal/autodiff/ops.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/nn/layers/channels.h>

namespace glocal::nn {

GroupNorm::GroupNorm(std::int64_t group_count, std::int64_t channels, DType dtype)
    : weight(Tensor::ones({channels}, dtype)), bias(Tensor::zeros({channels}, dtype)), groups(group_count) {
  if (groups < 1 || channels % groups != 0)
    fail<ValueError>("[group_norm] {} groups do not divide {} channels", groups, channels);
}

Var GroupNorm::operator()(const Var& x, bool relu) const {
  check_channels("group_norm", x, weight.size());
  const std::int64_t n = x.dim(0);
  const std::int64_t group_size = x.shape().product(1, x.rank()) / groups;
  const Var y = reshape(normalize(reshape(x, {n, groups, group_size}), {2}, eps), x.shape());
  return channel_affine(y, weight, bias, relu);
}

}  // namespace glocal::nn

#include <glocal/nn/batch_norm.h>

#include <glocal/nn/channels.h>

namespace glocal::nn {

BatchNorm::BatchNorm(std::int64_t channels, DType dtype)
    : weight(Tensor::ones({channels}, dtype)), bias(Tensor::zeros({channels}, dtype)) {}

Var BatchNorm::operator()(const Var& x, Pass& pass) const {
  const std::int64_t channels = weight.size();
  check_channels("batch_norm", x, channels);
  const int rank = x.rank();
  const auto [mean_before, var_before] = pass.next_stats(channels, x.dtype());
  if (!pass.training) {
    const Var factor = weight * rsqrt(var_before + eps);
    return x * per_channel(factor, rank) + per_channel(bias - mean_before * factor, rank);
  }

  const std::int64_t n = x.size() / std::max<std::int64_t>(1, channels);
  if (n < 2) fail<ValueError>("[batch_norm] training needs two numbers per channel or more, x has shape {}", x.shape());
  Axes axes{0};
  for (int axis = 2; axis < rank; ++axis) axes.push_back(axis);

  const Var batch_mean = mean(x, axes);
  const Var unbiased = sum(square(x - per_channel(batch_mean, rank)), axes) / static_cast<double>(n - 1);
  pass.updated.push_back((1 - momentum) * mean_before + momentum * batch_mean);
  pass.updated.push_back((1 - momentum) * var_before + momentum * unbiased);
  return normalize(x, axes, eps) * per_channel(weight, rank) + per_channel(bias, rank);
}

}  // namespace glocal::nn

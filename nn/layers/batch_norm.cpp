#include <glocal/nn/layers/batch_norm.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <glocal/autodiff/ops.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/nn/layers/channels.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {
namespace {

// Where the mean is many deviations from zero, x factor - mean factor loses the digits that x and the mean share.
bool far_from_zero(const Tensor& mean, const Tensor& factor) {
  constexpr double many = 1000;
  for (std::int64_t c = 0; c < mean.size(); ++c)
    if (std::abs(mean.at(c) * factor.at(c)) > many) return true;
  return false;
}

}  // namespace

BatchNorm::BatchNorm(std::int64_t channels, DType dtype)
    : weight(Tensor::ones({channels}, dtype)), bias(Tensor::zeros({channels}, dtype)) {}

Var BatchNorm::operator()(const Var& x, Pass& pass, bool relu) const {
  const std::int64_t channels = weight.size();
  check_channels("batch_norm", x, channels);
  const auto [mean_before, var_before] = pass.next_stats(bias, x.dtype());
  if (!pass.training) {
    const Var factor = weight * rsqrt(var_before + eps);
    if (far_from_zero(mean_before.value(), factor.value()))
      return channel_affine(add_bias(x, -mean_before), factor, bias, relu);
    return channel_affine(x, factor, bias - mean_before * factor, relu);
  }

  const std::int64_t n = x.size() / std::max<std::int64_t>(1, channels);
  if (n < 2) fail<ValueError>("[batch_norm] training needs two numbers per channel or more, x has shape {}", x.shape());
  const auto [y, batch_mean, biased] = batch_norm(x, weight, bias, eps, relu);
  const double unbiased = static_cast<double>(n) / static_cast<double>(n - 1);
  const double share = pass.momentum.value_or(momentum);
  pass.updated.push_back((1 - share) * mean_before + share * batch_mean);
  pass.updated.push_back((1 - share) * var_before + share * unbiased * biased);
  return y;
}

}  // namespace glocal::nn

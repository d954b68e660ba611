#include <glocal/nn/pass.h>

#include <cstdint>
#include <utility>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal::nn {

Key Pass::next_key() { return split(key, keys_used++); }

std::pair<Var, Var> Pass::next_stats(const Var& bias, DType dtype) {
  const std::int64_t channels = bias.size();
  const Shape shape{channels};
  if (stats.empty()) {
    if (!training) fail<ValueError>("[batch_norm] evaluation needs the running statistics; put them into pass.stats");
    takers.push_back(bias);
    return {Tensor::zeros(shape, dtype), Tensor::ones(shape, dtype)};
  }
  if (stats_used + 2 > stats.size())
    fail<ShapeError>("[batch_norm] the model uses more running statistics than the {} in pass.stats", stats.size());
  std::pair<Var, Var> pair{stats[stats_used], stats[stats_used + 1]};
  stats_used += 2;
  if (pair.first.shape() != shape || pair.second.shape() != shape)
    fail<ShapeError>("[batch_norm] running mean {} and variance {} do not fit {} channels", pair.first.shape(),
                     pair.second.shape(), channels);
  return pair;
}

}  // namespace glocal::nn

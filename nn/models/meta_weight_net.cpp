#include <glocal/nn/models/meta_weight_net.h>

#include <cstdint>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>

namespace glocal::nn {

MetaWeightNet::MetaWeightNet(Key key, std::int64_t units, DType dtype)
    : hidden(split(key, 0), 1, units, dtype), out(split(key, 1), units, 1, dtype) {}

MetaWeightNet::MetaWeightNet(const Var& parameters) {
  const std::int64_t units = (parameters.size() - 1) / 3;
  if (parameters.rank() != 1 || units < 1 || 3 * units + 1 != parameters.size())
    fail<ShapeError>("[meta_weight_net] its parameters must have shape (3 H + 1,), they have {}", parameters.shape());
  const auto part = [&](std::int64_t begin, std::int64_t end) { return slice(parameters, 0, begin, end); };
  hidden.weight = reshape(part(0, units), {1, units});
  hidden.bias = part(units, 2 * units);
  out.weight = reshape(part(2 * units, 3 * units), {units, 1});
  out.bias = part(3 * units, 3 * units + 1);
}

Var MetaWeightNet::operator()(const Var& losses) const {
  const std::int64_t n = losses.size();
  return reshape(sigmoid(out(relu(hidden(reshape(losses, {n, 1}))))), {n});
}

Var meta_weighted_mean(const MetaWeightNet& net, const Var& losses) {
  const Var seen = losses.level() > 0 ? losses.box()->primal : losses;
  const Var weights = net(seen);
  return dot(weights, losses) / sum(weights);
}

}  // namespace glocal::nn

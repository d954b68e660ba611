// The derivative checks of gradcheck.h on a layer: in its parameters and its input together.
#pragma once
#include <utility>

#include <glocal/nn/pass.h>

#include "gradcheck.h"

namespace glocal::gradcheck {

/// Parameters are drawn anew in [-1, 1); `input` draws x. What the layer appends to pass.updated is checked with y.
template <class L>
void check_layer(const std::string& name, const L& layer, const std::function<Vars(Key)>& input, nn::Pass pass = {}) {
  const std::size_t count = flatten(layer).size();
  std::vector<Shape> shapes;
  for (const Var& parameter : flatten(layer)) shapes.push_back(parameter.shape());
  const OpFunction f = [=](const Vars& v) {
    nn::Pass p = pass;
    const Var y = nn::forward(unflatten(layer, std::span(v).first(count)), v[count], p);
    Vars all{reshape(y, {y.size()})};
    for (const Var& stat : p.updated) all.push_back(stat);
    return concat(all, 0);
  };
  check_row({name, "", f, each({in_range(shapes, -1, 1), input})});
}

/// One gradient of sum(y * w) against central differences along a random direction, relative: for whole networks.
inline double gradient_gap(const OpFunction& loss, const Vars& x, Key k, double h = 1e-4) {
  const Vars d = random_like(k, x);
  const double slope = inner(grad(loss)(x), d);
  const double difference = inner(derivative_along([&](const Vars& u) { return Vars{loss(u)}; }, x, d, h),
                                  Vars{Tensor::scalar(1, DType::f64)});
  return std::abs(slope - difference) / std::max(std::abs(difference), 1e-3);
}

}  // namespace glocal::gradcheck

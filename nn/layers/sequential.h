// Layers one after another.
#pragma once
#include <tuple>

#include <glocal/autodiff/var.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

/// Sequential net(Linear(k, 4, 8), Activation{relu}, Linear(l, 8, 2)); parameters are named "0.weight", "2.weight"...
template <Layer... L>
struct Sequential {
  std::tuple<L...> layers;

  Sequential() = default;
  explicit Sequential(L... layer) : layers(std::move(layer)...) {}

  auto fields() {
    return std::apply([](auto&... layer) { return std::tie(layer...); }, layers);
  }

  Var operator()(Var x, Pass& pass) const {
    std::apply([&](const auto&... layer) { ((x = forward(layer, x, pass)), ...); }, layers);
    return x;
  }
};

}  // namespace glocal::nn

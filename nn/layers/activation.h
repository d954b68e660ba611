// Elementwise non-linearities as layers.
#pragma once
#include <string>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>

namespace glocal::nn {

/// Any function of one Var as a layer without parameters: Activation{relu}.
struct Activation {
  Var (*function)(const Var&) = nullptr;
  auto fields() { return std::tie(); }
  Var operator()(const Var& x) const { return function(x); }
};

/// By name: relu leaky_relu elu gelu silu softplus sigmoid tanh. Throws ValueError listing these.
Activation make_activation(const std::string& name);
std::vector<std::string> activation_names();

}  // namespace glocal::nn

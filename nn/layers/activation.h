// Elementwise non-linearities as layers.
#pragma once
#include <string>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/text/registry.h>

namespace glocal::nn {

/// Any function of one Var as a layer without parameters: Activation{relu}.
struct Activation {
  Var (*function)(const Var&) = nullptr;
  auto fields() { return std::tie(); }
  Var operator()(const Var& x) const { return function(x); }
};

/// An entry of the list of activations.
struct ActivationKind {
  std::string name, about;
  Activation layer;
};
const Registry<ActivationKind>& activations();
/// Throws ValueError for an unknown name.
Activation make_activation(const std::string& name);
std::vector<std::string> activation_names();

}  // namespace glocal::nn

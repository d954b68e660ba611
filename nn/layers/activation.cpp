#include <glocal/nn/layers/activation.h>

#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/text/registry.h>

namespace glocal::nn {

const Registry<ActivationKind>& activations() {
  static const Registry<ActivationKind> all(
      "activation", "glocal list activations",
      {
          {"relu", "max(x, 0)", {relu}},
          {"leaky_relu", "x, or 0.01 x below 0", {[](const Var& x) { return leaky_relu(x); }}},
          {"elu", "x, or e^x - 1 below 0", {[](const Var& x) { return elu(x); }}},
          {"gelu", "x times the normal distribution function of x", {gelu}},
          {"silu", "x sigmoid(x)", {silu}},
          {"softplus", "log(1 + e^x)", {softplus}},
          {"sigmoid", "1 / (1 + e^-x)", {sigmoid}},
          {"tanh", "hyperbolic tangent", {[](const Var& x) { return tanh(x); }}},
      });
  return all;
}

Activation make_activation(const std::string& name) { return activations().at(name).layer; }

std::vector<std::string> activation_names() { return activations().names(); }

}  // namespace glocal::nn

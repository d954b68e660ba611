#include <glocal/nn/layers/activation.h>

#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/text/nearest.h>

namespace glocal::nn {

namespace {

const std::vector<std::pair<std::string, Activation>>& activations() {
  static const std::vector<std::pair<std::string, Activation>> table = {
      {"relu", {relu}},
      {"leaky_relu", {[](const Var& x) { return leaky_relu(x); }}},
      {"elu", {[](const Var& x) { return elu(x); }}},
      {"gelu", {gelu}},
      {"silu", {silu}},
      {"softplus", {softplus}},
      {"sigmoid", {sigmoid}},
      {"tanh", {[](const Var& x) { return tanh(x); }}},
  };
  return table;
}

}  // namespace

Activation make_activation(const std::string& name) {
  for (const auto& [known, activation] : activations())
    if (known == name) return activation;
  fail<ValueError>("[activation] {}", unknown_name(name, "activation", activation_names(), "glocal list activations"));
}

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const auto& [name, activation] : activations()) names.push_back(name);
  return names;
}

}  // namespace glocal::nn

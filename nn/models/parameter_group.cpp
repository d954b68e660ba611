#include <glocal/nn/models/parameter_group.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/nearest.h>
#include <glocal/nn/models/model.h>

namespace glocal::nn {

namespace {

std::string layer_of(const std::string& parameter) { return parameter.substr(0, parameter.rfind('.')); }

// A layer whose weight is a vector normalises; its bias belongs to the norms too.
bool in_norm(const Model& model, std::size_t i) {
  for (std::size_t j = 0; j < model.names.size(); ++j)
    if (layer_of(model.names[j]) == layer_of(model.names[i]) && model.parameters[j].rank() > 1) return false;
  return true;
}

bool contains(const Model& model, const std::string& group, std::size_t i) {
  if (group == "weights") return model.parameters[i].rank() > 1;
  if (group == "norms") return in_norm(model, i);
  if (group == "biases") return model.parameters[i].rank() <= 1 && !in_norm(model, i);
  const std::string& name = model.names[i];
  return name.starts_with(group) && (name.size() == group.size() || name[group.size()] == '.');
}

}  // namespace

std::vector<std::size_t> parameter_group(const Model& model, const std::string& group) {
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < model.names.size(); ++i)
    if (contains(model, group, i)) members.push_back(i);
  if (members.empty())
    fail<ValueError>("[model] {}", unknown_name(group, "group of parameters of " + model.name, group_names(model), ""));
  return members;
}

bool has_group(const Model& model, const std::string& group) {
  for (std::size_t i = 0; i < model.names.size(); ++i)
    if (contains(model, group, i)) return true;
  return false;
}

std::vector<std::string> group_names(const Model& model) {
  std::vector<std::string> names = {"weights", "biases", "norms"};
  for (std::string& layer : layer_names(model)) names.push_back(std::move(layer));
  return names;
}

std::vector<std::string> layer_names(const Model& model) {
  std::vector<std::string> layers;
  for (const std::string& name : model.names)
    if (layers.empty() || layers.back() != layer_of(name)) layers.push_back(layer_of(name));
  return layers;
}

}  // namespace glocal::nn

// Sets of a model's parameters by name.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include <glocal/nn/models/model.h>

namespace glocal::nn {

/// Indices of the parameters in the group: "weights" (of linear and convolution layers), "biases" (theirs), "norms"
/// (weight and bias of normalisations), or whatever a name of a parameter begins with, to a dot: "blocks",
/// "blocks.0.conv1", "fc.weight". Every parameter is in exactly one of the first three. Throws ValueError
/// for a group without parameters.
std::vector<std::size_t> parameter_group(const Model& model, const std::string& group);
bool has_group(const Model& model, const std::string& group);  ///< false: parameter_group throws
std::vector<std::string> group_names(const Model& model);      ///< the first three, and the layers

/// Names of the layers that have parameters, in their order: "layers.0", "layers.1".
std::vector<std::string> layer_names(const Model& model);

}  // namespace glocal::nn

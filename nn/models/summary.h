// A model as a table: parameter, shape, count.
#pragma once
#include <string>

#include <glocal/nn/models/model.h>

namespace glocal::nn {

std::string summary(const Model& model);

}  // namespace glocal::nn

// The models by name.
#pragma once
#include <string>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/text/registry.h>
#include <glocal/nn/models/model.h>

namespace glocal::nn {

const Registry<ModelKind>& models();
std::vector<std::string> model_names();
/// A model for images of shape input = (C, H, W). Throws ValueError for an unknown name or an option the model does not
/// have, ShapeError for an input that does not suit it.
Model make_model(const std::string& name, Key key, const Shape& input, int classes, const ModelOptions& options = {});
/// Makes a model of your own known to all of Glocal, the command included. Call it before threads start. Throws
/// ValueError for a name that is taken.
void add_model(ModelKind kind);

}  // namespace glocal::nn

#include <glocal/nn/models/registry.h>

#include <string>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/text/registry.h>
#include <glocal/nn/models/fastnet.h>
#include <glocal/nn/models/lenet.h>
#include <glocal/nn/models/mlp.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/resnet.h>
#include <glocal/nn/models/wide_resnet.h>

namespace glocal::nn {
namespace {

// A new model is one line here.
Registry<ModelKind>& registry() {
  static Registry<ModelKind> all("model", "glocal list models",
                                 {
                                     mlp_kind(),
                                     lenet_kind(),
                                     resnet20_kind(),
                                     wrn28_2_kind(),
                                     fastnet_kind(),
                                 });
  return all;
}

}  // namespace

const Registry<ModelKind>& models() { return registry(); }

std::vector<std::string> model_names() { return registry().names(); }

Model make_model(const std::string& name, Key key, const Shape& input, int classes, const ModelOptions& options) {
  if (input.rank() != 3 || input.size() == 0)
    fail<ShapeError>("[{}] needs images of shape (C, H, W), got {}", name, input);
  if (classes < 1) fail<ValueError>("[{}] needs at least one class, got {}", name, classes);
  return registry().at(name).make(key, input, classes, options);
}

void add_model(ModelKind kind) { registry().add(std::move(kind)); }

}  // namespace glocal::nn

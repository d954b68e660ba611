#include <glocal/nn/models/model.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/nearest.h>
#include <glocal/nn/layers/activation.h>
#include <glocal/nn/layers/dropout.h>
#include <glocal/nn/models/lenet.h>
#include <glocal/nn/models/mlp.h>
#include <glocal/nn/models/resnet.h>
#include <glocal/nn/models/wide_resnet.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

std::int64_t Model::parameter_count() const {
  std::int64_t count = 0;
  for (const Var& parameter : parameters) count += parameter.size();
  return count;
}

namespace detail {

void finish(Model& model) {
  model.forward = [run = std::move(model.forward), name = model.name, input = model.input,
                   count = model.parameters.size()](const Vars& parameters, const Var& x, Pass& pass) {
    if (parameters.size() != count)
      fail<ShapeError>("[{}] has {} parameters, {} were given", name, count, parameters.size());
    if (x.rank() != input.rank() + 1 || !std::equal(input.begin(), input.end(), x.shape().begin() + 1))
      fail<ShapeError>("[{}] expects images (N,) + {}, x has shape {}", name, input, x.shape());
    return run(parameters, x, pass);
  };

  std::vector<std::int64_t> two_images{2};
  two_images.insert(two_images.end(), model.input.begin(), model.input.end());
  const DType dtype = model.parameters.empty() ? DType::f32 : model.parameters[0].dtype();
  Pass pass;
  const Var logits = model.forward(model.parameters, Tensor::zeros(Shape(two_images), dtype), pass);
  if (logits.shape() != Shape{2, model.classes})
    fail<ShapeError>("[{}] should map two images to (2, {}), it gives {}", model.name, model.classes, logits.shape());
  for (std::size_t i = 0; i < pass.updated.size(); ++i)
    model.stats.push_back(Tensor::full(pass.updated[i].shape(), i % 2 == 0 ? 0 : 1, dtype));
}

}  // namespace detail

namespace {

std::map<std::string, ModelMaker>& added() {
  static std::map<std::string, ModelMaker> models;
  return models;
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names{"mlp", "lenet", "resnet20", "wrn28_2"};
  for (const auto& [name, maker] : added()) names.push_back(name);
  return names;
}

void add_model(const std::string& name, ModelMaker maker) {
  const std::vector<std::string> taken = model_names();
  if (std::find(taken.begin(), taken.end(), name) != taken.end())
    fail<ValueError>("[model] there is a model called {} already", name);
  added()[name] = std::move(maker);
}

Model make_model(const std::string& name, Key key, const Shape& input, int classes, const ModelOptions& options) {
  if (input.rank() != 3 || input.size() == 0)
    fail<ShapeError>("[{}] needs images of shape (C, H, W), got {}", name, input);
  if (classes < 1) fail<ValueError>("[{}] needs at least one class, got {}", name, classes);
  if (const auto found = added().find(name); found != added().end()) return found->second(key, input, classes, options);
  const ModelOptions usual;
  const bool norm = options.norm != usual.norm, dropout = options.dropout != usual.dropout;
  const auto refuse = [&](bool set, const char* what) {
    if (set) fail<ValueError>("[{}] has no {}; leave --{} out", name, what, what);
  };
  const auto refuse_those_of_mlp = [&] {
    refuse(options.hidden != usual.hidden, "hidden");
    refuse(options.activation != usual.activation, "activation");
  };
  const auto at_least_8x8 = [&] {
    if (input[1] < 8 || input[2] < 8) fail<ShapeError>("[{}] needs at least 8 x 8 pixels, got {}", name, input);
  };

  if (name == "mlp") {
    refuse(norm, "norm");
    std::vector<std::int64_t> sizes{input.size()};
    sizes.insert(sizes.end(), options.hidden.begin(), options.hidden.end());
    sizes.push_back(classes);
    return erase(name, Mlp(key, sizes, make_activation(options.activation), Dropout(options.dropout), options.dtype),
                 input, classes);
  }
  if (name == "lenet") {
    refuse(norm, "norm");
    refuse(dropout, "dropout");
    refuse_those_of_mlp();
    return erase(name, LeNet(key, input, classes, options.dtype), input, classes);
  }
  if (name == "resnet20") {
    refuse(dropout, "dropout");
    refuse_those_of_mlp();
    at_least_8x8();
    return erase(name, ResNet(key, 20, input[0], classes, options.norm, options.dtype), input, classes);
  }
  if (name == "wrn28_2") {
    refuse_those_of_mlp();
    at_least_8x8();
    return erase(name, WideResNet(key, 28, 2, input[0], classes, options.dropout, options.norm, options.dtype), input,
                 classes);
  }
  fail<ValueError>("[model] {}", unknown_name(name, "model", model_names(), "glocal list models"));
}

}  // namespace glocal::nn

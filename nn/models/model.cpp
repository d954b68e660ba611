#include <glocal/nn/models/model.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

std::int64_t Model::parameter_count() const {
  std::int64_t count = 0;
  for (const Var& parameter : parameters) count += parameter.size();
  return count;
}

namespace detail {

namespace {
// "blocks.0.norm1", or a name by its place for a layer whose bias is no parameter.
std::string layer_of_bias(const Model& model, const Var& bias, std::size_t place) {
  for (std::size_t i = 0; i < model.names.size(); ++i)
    if (model.parameters[i].value().raw() == bias.value().raw())
      return model.names[i].substr(0, model.names[i].rfind('.'));
  return fmt::format("batch_norm.{}", place);
}
}  // namespace

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
  for (std::size_t i = 0; i < pass.takers.size(); ++i)
    for (const char* of : {"running_mean", "running_var"})
      model.stat_names.push_back(fmt::format("{}.{}", layer_of_bias(model, pass.takers[i], i), of));
}

}  // namespace detail

void refuse_options(const std::string& model, const ModelOptions& given, std::initializer_list<std::string_view> has) {
  const ModelOptions usual;
  const std::pair<std::string_view, bool> options[] = {{"norm", given.norm != usual.norm},
                                                       {"dropout", given.dropout != usual.dropout},
                                                       {"hidden", given.hidden != usual.hidden},
                                                       {"activation", given.activation != usual.activation}};
  for (const auto& [option, set] : options)
    if (set && std::find(has.begin(), has.end(), option) == has.end())
      fail<ValueError>("[{}] has no {}; leave --{} out", model, option, option);
}

}  // namespace glocal::nn

// Any network behind one type: parameters as a flat list, and a pure function of them.
#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/autodiff/tree.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/nn/names.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

/// A classifier. Nothing in it changes: new parameters and statistics are values that the caller keeps.
struct Model {
  std::string name;
  Shape input;  ///< one image: (C, H, W)
  int classes = 0;
  Vars parameters;                      ///< the initial ones
  std::vector<std::string> names;       ///< one per parameter: "conv1.weight"
  Vars stats;                           ///< the initial running statistics: mean 0 and variance 1 of each BatchNorm
  std::vector<std::string> stat_names;  ///< one per statistic: "norm.running_mean", "norm.running_var"
  /// (parameters, x (N, C, H, W), pass) -> logits (N, classes). Throws ShapeError.
  std::function<Var(const Vars& parameters, const Var& x, Pass& pass)> forward;
  /// Where set: the initial parameters with those that are made from the data, training images x (N, C, H, W).
  std::function<Vars(Vars parameters, const Tensor& x)> fit_to = nullptr;

  std::int64_t parameter_count() const;
};

/// Turns a layer or network into a Model. Runs it once on two zero images, to find its running statistics and to see
/// that its shapes fit. Throws ShapeError when they do not.
template <Tree M>
Model erase(std::string name, M network, const Shape& input, int classes);

struct ModelOptions {
  std::string norm = "batch";                ///< resnet20, wrn28_2: "batch" or "group"
  std::vector<std::int64_t> hidden = {128};  ///< mlp: sizes of the hidden layers
  std::string activation = "relu";           ///< mlp: see make_activation
  double dropout = 0;                        ///< mlp: after each hidden layer; wrn28_2: inside each block
  DType dtype = DType::f32;
};

/// Throws ValueError where an option is given that a model does not have; `has` names those it has.
void refuse_options(const std::string& model, const ModelOptions& given, std::initializer_list<std::string_view> has);

/// An entry of the list of models.
struct ModelKind {
  std::string name;   ///< "lenet"
  std::string about;  ///< a sentence for `glocal list models`
  /// For images of shape input = (C, H, W). Throws ValueError for an option the model does not have, ShapeError for an
  /// input that does not suit it.
  std::function<Model(Key, const Shape& input, int classes, const ModelOptions&)> make;
};

// ---------------------------------------------------------------------------------------------------------

namespace detail {
/// Checks the input against model.input before f runs, then finds model.stats and their names by a run on two zero
/// images.
void finish(Model& model);
}  // namespace detail

template <Tree M>
Model erase(std::string name, M network, const Shape& input, int classes) {
  static_assert(Layer<M>, "a network is called as network(x) or network(x, pass)");
  Model model{std::move(name), input, classes, flatten(network), leaf_names(network), {}, {}, {}};
  // The function keeps the structure alone: the initial numbers belong to model.parameters.
  model.forward = [like = unflatten(network, Vars(model.parameters.size()))](const Vars& parameters, const Var& x,
                                                                             Pass& pass) {
    return nn::forward(unflatten(like, parameters), x, pass);
  };
  detail::finish(model);
  return model;
}

}  // namespace glocal::nn

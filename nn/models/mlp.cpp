#include <glocal/nn/models/mlp.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/nn/layers/activation.h>
#include <glocal/nn/layers/dropout.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

Mlp::Mlp(Key key, const std::vector<std::int64_t>& sizes, Activation act, Dropout drop, DType dtype)
    : activation(act), dropout(drop) {
  if (sizes.size() < 2) fail<ValueError>("[mlp] needs an input and an output size, got {} sizes", sizes.size());
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) layers.emplace_back(split(key, i), sizes[i], sizes[i + 1], dtype);
}

Var Mlp::operator()(const Var& x, Pass& pass) const {
  Var y = flatten_from(x, 1);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    y = layers[i](y);
    if (i + 1 < layers.size()) y = dropout(activation(y), pass);
  }
  return y;
}

ModelKind mlp_kind() {
  return {"mlp", "hidden layers of one kind: --hidden, --activation, --dropout",
          [](Key key, const Shape& input, int classes, const ModelOptions& options) {
            refuse_options("mlp", options, {"hidden", "activation", "dropout"});
            std::vector<std::int64_t> sizes{input.size()};
            sizes.insert(sizes.end(), options.hidden.begin(), options.hidden.end());
            sizes.push_back(classes);
            return erase("mlp",
                         Mlp(key, sizes, make_activation(options.activation), Dropout(options.dropout), options.dtype),
                         input, classes);
          }};
}

}  // namespace glocal::nn

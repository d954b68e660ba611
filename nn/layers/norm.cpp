#include <glocal/nn/layers/norm.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/text/registry.h>
#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/group_norm.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

const Registry<NormKind>& norms() {
  using Layer = std::variant<BatchNorm, GroupNorm>;
  static const Registry<NormKind> all(
      "normalisation", "glocal list norms",
      {
          {"batch", "over the images of a batch",
           [](std::int64_t channels, DType dtype) -> Layer { return BatchNorm(channels, dtype); }},
          {"group", "over eight groups of channels",
           [](std::int64_t channels, DType dtype) -> Layer { return GroupNorm(8, channels, dtype); }},
      });
  return all;
}

std::vector<std::string> norm_names() { return norms().names(); }

Norm::Norm(const std::string& kind, std::int64_t channels, DType dtype)
    : layer(norms().at(kind).make(channels, dtype)) {}

Var Norm::operator()(const Var& x, Pass& pass, bool relu) const {
  if (const auto* batch = std::get_if<BatchNorm>(&layer)) return (*batch)(x, pass, relu);
  return std::get<GroupNorm>(layer)(x, relu);
}

}  // namespace glocal::nn

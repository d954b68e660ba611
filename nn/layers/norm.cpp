#include <glocal/nn/layers/norm.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/text/nearest.h>
#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/group_norm.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

namespace {

std::variant<BatchNorm, GroupNorm> make(const std::string& kind, std::int64_t channels, DType dtype) {
  if (kind == "batch") return BatchNorm(channels, dtype);
  if (kind == "group") return GroupNorm(8, channels, dtype);
  fail<ValueError>("[norm] {}", unknown_name(kind, "normalisation", norm_names(), "glocal list norms"));
}

}  // namespace

std::vector<std::string> norm_names() { return {"batch", "group"}; }

Norm::Norm(const std::string& kind, std::int64_t channels, DType dtype) : layer(make(kind, channels, dtype)) {}

Var Norm::operator()(const Var& x, Pass& pass, bool relu) const {
  if (const auto* batch = std::get_if<BatchNorm>(&layer)) return (*batch)(x, pass, relu);
  return std::get<GroupNorm>(layer)(x, relu);
}

}  // namespace glocal::nn

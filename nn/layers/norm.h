// The normalisation of a model, chosen by name.
#pragma once
#include <array>
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

/// An entry of the list of normalisations.
struct NormKind {
  std::string name, about;
  std::variant<BatchNorm, GroupNorm> (*make)(std::int64_t channels, DType dtype);
};
const Registry<NormKind>& norms();
std::vector<std::string> norm_names();

/// One of them.
struct Norm {
  std::variant<BatchNorm, GroupNorm> layer;

  Norm() = default;
  /// Throws ValueError for an unknown kind.
  Norm(const std::string& kind, std::int64_t channels, DType dtype = DType::f32);

  auto fields() {
    return std::visit([](auto& norm) { return norm.fields(); }, layer);
  }
  static constexpr std::array field_names{"weight", "bias"};

  Var operator()(const Var& x, Pass& pass) const { return (*this)(x, pass, /*relu=*/false); }
  /// With relu: its relu, in the same pass over memory.
  Var operator()(const Var& x, Pass& pass, bool relu) const;
};

}  // namespace glocal::nn

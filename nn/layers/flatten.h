// From images to rows.
#pragma once
#include <tuple>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>

namespace glocal::nn {

/// (N, C, H, W) -> (N, C * H * W).
struct Flatten {
  auto fields() { return std::tie(); }
  Var operator()(const Var& x) const { return flatten_from(x, 1); }
};

}  // namespace glocal::nn

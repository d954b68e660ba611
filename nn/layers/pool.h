// Pooling layers on (N, C, H, W).
#pragma once
#include <tuple>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>

namespace glocal::nn {

/// Largest number of each window; 2x2 in steps of 2 unless told otherwise.
struct MaxPool2d {
  PoolSpec spec{};
  auto fields() { return std::tie(); }
  Var operator()(const Var& x) const { return max_pool2d(x, spec); }
};

/// Mean of each window, padding counted; 2x2 in steps of 2 unless told otherwise.
struct AvgPool2d {
  PoolSpec spec{};
  auto fields() { return std::tie(); }
  Var operator()(const Var& x) const { return avg_pool2d(x, spec); }
};

/// (N, C, H, W) -> (N, C).
struct GlobalAvgPool {
  auto fields() { return std::tie(); }
  Var operator()(const Var& x) const { return global_avg_pool(x); }
};

}  // namespace glocal::nn

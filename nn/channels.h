// Vectors with one number per channel, against (N, C, ...).
#pragma once
#include <glocal/autodiff/ops.h>

namespace glocal::nn {

/// (C,) -> (1, C, 1, ...) of the given rank, so that it broadcasts over (N, C, ...).
inline Var per_channel(const Var& v, int rank) {
  std::array<std::int64_t, Shape::max_rank> sizes;
  sizes.fill(1);
  sizes[1] = v.size();
  return reshape(v, Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank))));
}

/// Throws ShapeError, naming the layer, unless x is (N, C, ...) with C channels.
inline void check_channels(const char* layer, const Var& x, std::int64_t channels) {
  if (x.rank() < 2 || x.dim(1) != channels)
    fail<ShapeError>("[{}] expects x of shape (N, {}, ...), x has shape {}", layer, channels, x.shape());
}

}  // namespace glocal::nn

// The check of layers with one number per channel, against (N, C, ...).
#pragma once
#include <cstdint>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>

namespace glocal::nn {

/// Throws ShapeError, naming the layer, unless x is (N, C, ...) with C channels.
inline void check_channels(const char* layer, const Var& x, std::int64_t channels) {
  if (x.rank() < 2 || x.dim(1) != channels)
    fail<ShapeError>("[{}] expects x of shape (N, {}, ...), x has shape {}", layer, channels, x.shape());
}

}  // namespace glocal::nn

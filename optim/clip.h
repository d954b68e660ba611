// Gradient clipping.
#pragma once
#include <glocal/autodiff/var.h>

namespace glocal::optim {

struct Clipped {
  Vars grads;
  double norm = 0;       ///< global norm before clipping
  bool clipped = false;  ///< so that the caller can count it
};

/// Scales all gradients by max_norm / norm where norm = sqrt(sum of all squares) exceeds max_norm, one number, itself
/// differentiable; otherwise, and when the norm is not finite, returns them as they are. Throws ValueError unless
/// max_norm > 0.
Clipped clip_by_global_norm(const Vars& grads, const Var& max_norm);

}  // namespace glocal::optim

#include <glocal/optim/clip.h>

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>

namespace glocal::optim {

Clipped clip_by_global_norm(const Vars& grads, const Var& max_norm) {
  if (!(max_norm.item() > 0)) fail<ValueError>("[clip] max_norm must be positive, got {}", max_norm.item());
  Var squared;
  for (const Var& g : grads)
    if (g) squared = plus(squared, dot(g, g));
  const double norm = squared ? std::sqrt(squared.item()) : 0;
  // An infinite norm would make every finite entry 0, and hide that the run has diverged.
  if (!(norm > max_norm.item()) || std::isinf(norm)) return {grads, norm, false};
  const Var factor = max_norm * rsqrt(squared);
  Clipped result{grads, norm, true};
  for (Var& g : result.grads)
    if (g) g = scale_by(g, factor);
  return result;
}

}  // namespace glocal::optim

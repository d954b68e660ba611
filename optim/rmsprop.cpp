#include <glocal/optim/rmsprop.h>

#include <glocal/autodiff/ops.h>

namespace glocal::optim {

Updated<RmspropState> rmsprop(const RmspropHyper& hyper, const Vars& params, const Vars& grads,
                              const RmspropState& state) {
  check_fit("rmsprop", params, grads, {&state.square, &state.velocity});
  const Var minus_lr = -hyper.lr;
  Updated<RmspropState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var& w = params[i];
    const Var g = decayed(grads[i], w, hyper.weight_decay);
    const Var s = axpy(hyper.alpha, state.square[i], scale_by(glocal::square(g), 1 - hyper.alpha));
    const Var direction = g / (sqrt(s + hyper.eps_root) + hyper.eps);
    const Var v = vanishes(hyper.momentum) ? direction : axpy(hyper.momentum, state.velocity[i], direction);
    next.params.push_back(axpy(minus_lr, v, w));
    next.state.square.push_back(s);
    next.state.velocity.push_back(v);
  }
  return next;
}

}  // namespace glocal::optim

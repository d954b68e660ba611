#include <glocal/optim/sgd.h>

#include <glocal/autodiff/ops.h>

namespace glocal::optim {

Updated<SgdState> sgd(const SgdHyper& hyper, const Vars& params, const Vars& grads, const SgdState& state,
                      bool nesterov) {
  check_fit("sgd", params, grads, {&state.velocity});
  const bool momentum = !vanishes(hyper.momentum);
  const Var minus_lr = -hyper.lr;
  Updated<SgdState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var& w = params[i];
    const Var g = decayed(grads[i], w, hyper.weight_decay);
    const Var v = momentum ? axpy(hyper.momentum, state.velocity[i], g) : g;
    const Var direction = nesterov && momentum ? axpy(hyper.momentum, v, g) : v;
    next.params.push_back(axpy(minus_lr, direction, w));
    next.state.velocity.push_back(v);
  }
  return next;
}

}  // namespace glocal::optim

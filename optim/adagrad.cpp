#include <glocal/optim/adagrad.h>

#include <glocal/autodiff/ops.h>

namespace glocal::optim {

Updated<AdagradState> adagrad(const AdagradHyper& hyper, const Vars& params, const Vars& grads,
                              const AdagradState& state) {
  check_fit("adagrad", params, grads, {&state.square});
  const Var minus_lr = -hyper.lr;
  Updated<AdagradState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var& w = params[i];
    const Var g = decayed(grads[i], w, hyper.weight_decay);
    const Var s = state.square[i] + glocal::square(g);
    const Var direction = g / (sqrt(s + hyper.eps_root) + hyper.eps);
    next.params.push_back(axpy(minus_lr, direction, w));
    next.state.square.push_back(s);
  }
  return next;
}

}  // namespace glocal::optim

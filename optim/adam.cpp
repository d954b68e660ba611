#include <glocal/optim/adam.h>

#include <glocal/autodiff/ops.h>

namespace glocal::optim {

namespace {

enum class Decay { coupled, decoupled };

Updated<AdamState> adam_step(const char* rule, Decay decay, const AdamHyper& hyper, const Vars& params,
                             const Vars& grads, const AdamState& state, std::int64_t t) {
  check_fit(rule, params, grads, {&state.m, &state.v});
  if (t < 1) fail<ValueError>("[{}] steps are counted from 1, got t = {}", rule, t);
  const double steps = static_cast<double>(t);
  const Var m_correction = reciprocal(1 - pow(hyper.beta1, steps));
  const Var v_correction = reciprocal(1 - pow(hyper.beta2, steps));
  const Var coupled = decay == Decay::coupled ? hyper.weight_decay : Var();
  const Var minus_lr = -hyper.lr;

  Updated<AdamState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var& w = params[i];
    const Var g = decayed(grads[i], w, coupled);
    const Var m = axpy(hyper.beta1, state.m[i], scale_by(g, 1 - hyper.beta1));
    const Var v = axpy(hyper.beta2, state.v[i], scale_by(square(g), 1 - hyper.beta2));
    const Var root = sqrt(scale_by(v, v_correction) + hyper.eps_root) + hyper.eps;
    Var direction = scale_by(m, m_correction) / root;
    if (decay == Decay::decoupled) direction = decayed(direction, w, hyper.weight_decay);
    next.params.push_back(axpy(minus_lr, direction, w));
    next.state.m.push_back(m);
    next.state.v.push_back(v);
  }
  return next;
}

}  // namespace

Updated<AdamState> adam(const AdamHyper& hyper, const Vars& params, const Vars& grads, const AdamState& state,
                        std::int64_t t) {
  return adam_step("adam", Decay::coupled, hyper, params, grads, state, t);
}

Updated<AdamState> adamw(const AdamHyper& hyper, const Vars& params, const Vars& grads, const AdamState& state,
                         std::int64_t t) {
  return adam_step("adamw", Decay::decoupled, hyper, params, grads, state, t);
}

}  // namespace glocal::optim

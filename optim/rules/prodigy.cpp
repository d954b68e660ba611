#include <glocal/optim/rules/prodigy.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/over_lists.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

namespace {

// The larger of d and numerator / length; before any gradient the length is 0, and nothing is known.
Var estimate(const Var& d, const Var& numerator, const Var& length) {
  return length.item() > 0 ? larger(d, numerator / length) : d;
}

// w - rate weight_decay w
Var shrunk(const Var& w, const Var& rate, const Var& weight_decay) {
  return vanishes(weight_decay) ? w : scale_by(w, 1 - rate * weight_decay);
}

}  // namespace

Updated<ProdigyState> prodigy(const ProdigyHyper& h, const Vars& params, const Vars& grads, const ProdigyState& state,
                              std::int64_t t) {
  check_fit("prodigy", params, grads, {&state.m, &state.v, &state.s, &state.start});
  check_dtype("prodigy", params,
              std::array{h.lr, h.beta1, h.beta2, h.eps, h.eps_root, h.first_d, h.factor, h.weight_decay});
  const Vars g = decayed(grads, params, Var());
  const Var d = t == 1 ? h.first_d : state.d, b3 = sqrt(h.beta2), rate = d * h.lr, share = d / h.first_d * rate;
  Updated<ProdigyState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    next.state.m.push_back(axpy(h.beta1, state.m[i], scale_by(g[i], d * (1 - h.beta1))));
    next.state.v.push_back(axpy(h.beta2, state.v[i], scale_by(square(g[i]), square(d) * (1 - h.beta2))));
    next.state.s.push_back(axpy(b3, state.s[i], scale_by(g[i], share)));
  }
  next.state.start = state.start;
  next.state.numerator = b3 * state.numerator + share * inner(g, difference(state.start, params));
  next.state.d = estimate(d, h.factor * next.state.numerator, one_norm(next.state.s));
  const Var eps = next.state.d * h.eps, eps_root = square(next.state.d) * h.eps_root;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var direction = next.state.m[i] / (sqrt(next.state.v[i] + eps_root) + eps);
    next.params.push_back(axpy(-rate, direction, shrunk(params[i], rate, h.weight_decay)));
  }
  return next;
}

Updated<DAdaptationState> d_adaptation(const DAdaptationHyper& h, const Vars& params, const Vars& grads,
                                       const DAdaptationState& state, std::int64_t t) {
  check_fit("d_adaptation", params, grads, {&state.m, &state.v, &state.s});
  check_dtype("d_adaptation", params, std::array{h.lr, h.beta1, h.beta2, h.eps, h.eps_root, h.first_d, h.weight_decay});
  const Vars g = decayed(grads, params, Var());
  const Var d = t == 1 ? h.first_d : state.d, b3 = sqrt(h.beta2), rate = d * h.lr;
  const auto scaled = [&](const Var& x, const Var& v) { return x / (sqrt(v + h.eps_root) + h.eps); };
  Updated<DAdaptationState> next;
  Var along;
  for (std::size_t i = 0; i < params.size(); ++i) {
    along = plus(along, dot(g[i], scaled(state.s[i], state.v[i])));
    next.state.m.push_back(axpy(h.beta1, state.m[i], scale_by(g[i], rate * (1 - h.beta1))));
    next.state.v.push_back(axpy(h.beta2, state.v[i], scale_by(square(g[i]), 1 - h.beta2)));
    next.state.s.push_back(axpy(b3, state.s[i], scale_by(g[i], rate * (1 - b3))));
    next.params.push_back(shrunk(params[i], rate, h.weight_decay) - scaled(next.state.m[i], next.state.v[i]));
  }
  next.state.numerator = b3 * state.numerator + (1 - b3) * rate * along;
  next.state.d = estimate(d, next.state.numerator, (1 - b3) * one_norm(next.state.s));
  return next;
}

std::vector<OptimizerKind> prodigy_kinds() {
  using Range = HyperInfo::Range;
  const std::vector<HyperInfo> adam{
      {"lr", 1, Range::positive},     {"beta1", 0.9, Range::unit_interval}, {"beta2", 0.999, Range::unit_interval},
      {"eps", 1e-8, Range::positive}, {"eps_root", 1e-20, Range::positive}, {"first_d", 1e-6, Range::positive}};
  const auto with = [adam](std::initializer_list<HyperInfo> more) {
    std::vector<HyperInfo> all = adam;
    all.insert(all.end(), more);
    return all;
  };
  return {{"prodigy", "Adam whose rate is an estimate of the distance to the solution",
           [hyper = with({{"factor", 1, Range::positive}, {"weight_decay", 0, Range::non_negative}})] {
             const auto start = [](const Vars& params) {
               ProdigyState state = zero_state<ProdigyState>(params);
               state.start = params;
               return state;
             };
             Optimizer optimizer =
                 over_lists<ProdigyHyper, ProdigyState>("prodigy", hyper, prodigy, LrScales::own_rate, start);
             optimizer.joint = true;
             return optimizer;
           }},
          {"d_adaptation", "the same by an older estimate of the distance",
           [hyper = with({{"weight_decay", 0, Range::non_negative}})] {
             Optimizer optimizer = over_lists<DAdaptationHyper, DAdaptationState>("d_adaptation", hyper, d_adaptation,
                                                                                  LrScales::own_rate);
             optimizer.joint = true;
             return optimizer;
           }}};
}

}  // namespace glocal::optim

#include <glocal/optim/rules/momo.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/over_lists.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

namespace {

Var loss_of(const char* rule, const Evaluation& seen) {
  if (!seen.loss) fail<ValueError>("[{}] reads the loss of the step's batch, and none was given", rule);
  return seen.loss;
}

// max(numerator, 0) / square, at most `most`; a gradient of zero says nothing of the distance.
Var step_size(const Var& numerator, const Var& square, const Var& most) {
  if (!(square.item() > 0)) return zeros_like(most);
  return smaller(most, larger(numerator, zeros_like(numerator)) / square);
}

}  // namespace

Updated<MomoState> momo(const MomoHyper& h, const Vars& params, const Evaluation& seen, const MomoState& state,
                        std::int64_t t) {
  check_fit("momo", params, seen.grads, {&state.m});
  check_dtype("momo", params, std::array{h.lr, h.momentum, h.lower_bound, h.weight_decay});
  const Var loss = loss_of("momo", seen);
  const Vars g = decayed(seen.grads, params, Var());
  const auto mean = [&](const Var& before, const Var& now) {
    return t == 1 ? now : h.momentum * before + (1 - h.momentum) * now;
  };
  Updated<MomoState> next;
  next.state.loss = mean(state.loss, loss);
  next.state.along = mean(state.along, inner(g, params));
  for (std::size_t i = 0; i < params.size(); ++i) next.state.m.push_back(mean(state.m[i], g[i]));
  const bool decays = !vanishes(h.weight_decay);
  const Var growth = decays ? 1 + h.lr * h.weight_decay : Var();
  const Var above = next.state.loss - h.lower_bound - next.state.along;
  const Var distance = (decays ? growth * above : above) + inner(next.state.m, params);
  next.params = moved_by(params, -step_size(distance, squared_norm(next.state.m), h.lr), next.state.m);
  if (decays)
    for (Var& w : next.params) w = scale_by(w, reciprocal(growth));
  return next;
}

Updated<PolyakState> polyak(const PolyakHyper& h, const Vars& params, const Evaluation& seen) {
  check_fit("polyak", params, seen.grads, {});
  check_dtype("polyak", params, std::array{h.lr, h.lower_bound});
  const Vars g = decayed(seen.grads, params, Var());
  const Var above = loss_of("polyak", seen) - h.lower_bound;
  return {moved_by(params, -step_size(above, squared_norm(g), h.lr), g), {}};
}

std::vector<OptimizerKind> momo_kinds() {
  using Range = HyperInfo::Range;
  return {{"momo", "SGD with momentum, its rate from the loss over the squared momentum",
           [] {
             Optimizer optimizer = over_lists<MomoHyper, MomoState>("momo",
                                                                    {{"lr", 1, Range::positive},
                                                                     {"momentum", 0.9, Range::unit_interval},
                                                                     {"lower_bound", 0, Range::non_negative},
                                                                     {"weight_decay", 0, Range::non_negative}},
                                                                    momo, LrScales::own_rate);
             optimizer.joint = true;
             return optimizer;
           }},
          {"polyak", "SGD, its rate from the loss over the squared gradient", [] {
             const auto rule = [](const PolyakHyper& h, const Vars& w, const Evaluation& seen, const PolyakState&,
                                  std::int64_t) { return polyak(h, w, seen); };
             Optimizer optimizer = over_lists<PolyakHyper, PolyakState>(
                 "polyak", {{"lr", 1, Range::positive}, {"lower_bound", 0, Range::non_negative}}, rule,
                 LrScales::own_rate);
             optimizer.joint = true;
             return optimizer;
           }}};
}

}  // namespace glocal::optim

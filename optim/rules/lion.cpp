#include <glocal/optim/rules/lion.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/over_lists.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

Updated<LionState> lion(const LionHyper& h, const Vars& params, const Vars& grads, const LionState& state) {
  check_fit("lion", params, grads, {&state.m});
  check_dtype("lion", params, std::array{h.lr, h.beta1, h.beta2, h.weight_decay});
  Updated<LionState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var g = instantiate(grads[i], params[i]);
    const Var direction = sign(axpy(h.beta1, state.m[i], scale_by(g, 1 - h.beta1)));
    next.params.push_back(axpy(-h.lr, decayed(direction, params[i], h.weight_decay), params[i]));
    next.state.m.push_back(axpy(h.beta2, state.m[i], scale_by(g, 1 - h.beta2)));
  }
  return next;
}

std::vector<OptimizerKind> lion_kinds() {
  using Range = HyperInfo::Range;
  return {{"lion", "steps of one size, in the sign of a momentum", [] {
             const auto rule = [](const LionHyper& h, const Vars& w, const Vars& g, const LionState& s, std::int64_t) {
               return lion(h, w, g, s);
             };
             return over_lists<LionHyper, LionState>("lion",
                                                     {{"lr", 1e-4, Range::positive},
                                                      {"beta1", 0.9, Range::unit_interval},
                                                      {"beta2", 0.99, Range::unit_interval},
                                                      {"weight_decay", 0, Range::non_negative}},
                                                     rule, LrScales::direction);
           }}};
}

}  // namespace glocal::optim

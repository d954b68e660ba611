#include <glocal/optim/rules/ademamix.h>

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

Updated<AdemamixState> ademamix(const AdemamixHyper& h, const Vars& params, const Vars& grads,
                                const AdemamixState& state, std::int64_t t) {
  check_fit("ademamix", params, grads, {&state.fast, &state.slow, &state.v});
  check_dtype("ademamix", params,
              std::array{h.lr, h.beta1, h.beta2, h.beta3, h.mix, h.eps, h.eps_root, h.weight_decay});
  const auto correction = [&](const Var& beta) { return reciprocal(1 - pow(beta, static_cast<double>(t))); };
  const auto mean = [](const Var& beta, const Var& before, const Var& now) {
    return axpy(beta, before, scale_by(now, 1 - beta));
  };
  Updated<AdemamixState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var g = instantiate(grads[i], params[i]);
    const Var fast = mean(h.beta1, state.fast[i], g), slow = mean(h.beta3, state.slow[i], g);
    const Var v = mean(h.beta2, state.v[i], square(g));
    const Var direction = axpy(h.mix, slow, scale_by(fast, correction(h.beta1))) /
                          (sqrt(scale_by(v, correction(h.beta2)) + h.eps_root) + h.eps);
    next.params.push_back(axpy(-h.lr, decayed(direction, params[i], h.weight_decay), params[i]));
    next.state.fast.push_back(fast);
    next.state.slow.push_back(slow);
    next.state.v.push_back(v);
  }
  return next;
}

std::vector<OptimizerKind> ademamix_kinds() {
  using Range = HyperInfo::Range;
  return {{"ademamix", "Adam with a second, much slower momentum", [] {
             return over_lists<AdemamixHyper, AdemamixState>("ademamix",
                                                             {{"lr", 1e-3, Range::positive},
                                                              {"beta1", 0.9, Range::unit_interval},
                                                              {"beta2", 0.999, Range::unit_interval},
                                                              {"beta3", 0.9999, Range::unit_interval},
                                                              {"mix", 2, Range::non_negative},
                                                              {"eps", 1e-8, Range::positive},
                                                              {"eps_root", 1e-20, Range::positive},
                                                              {"weight_decay", 0, Range::non_negative}},
                                                             ademamix, LrScales::direction);
           }}};
}

}  // namespace glocal::optim

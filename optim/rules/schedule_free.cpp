#include <glocal/optim/rules/schedule_free.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/over_lists.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

namespace {

// What both rules share: from the new z to the new average, and to the point between them that is trained.
template <class State>
Vars average(const Var& lr, const Var& between, std::int64_t t, const Vars& z, const State& before, State& next) {
  next.largest_lr = t == 1 ? lr : larger(before.largest_lr, lr);
  const Var weight = square(next.largest_lr);
  next.weight_sum = before.weight_sum + weight;
  const Var c = next.weight_sum.item() > 0 ? weight / next.weight_sum : weight;  // a warm-up may begin at lr = 0
  Vars y;
  for (std::size_t i = 0; i < z.size(); ++i) {
    next.x.push_back(axpy(c, z[i] - before.x[i], before.x[i]));
    y.push_back(axpy(between, next.x[i] - z[i], z[i]));
  }
  next.z = z;
  return y;
}

template <class Hyper, class State, class Rule>
std::function<Optimizer()> of(const std::string& name, const std::vector<HyperInfo>& hyper, LrScales lr_scales,
                              Rule rule) {
  return [=] {
    const auto start = [](const Vars& params) {
      State state = zero_state<State>(params);
      state.x = state.z = params;
      return state;
    };
    Optimizer optimizer = over_lists<Hyper, State>(name, hyper, rule, lr_scales, start);
    optimizer.judged = first_list;
    optimizer.joint = true;  // the sum of weights is one for all parameters
    return optimizer;
  };
}

}  // namespace

Updated<ScheduleFreeSgdState> schedule_free_sgd(const ScheduleFreeSgdHyper& h, const Vars& params, const Vars& grads,
                                                const ScheduleFreeSgdState& state, std::int64_t t) {
  check_fit("schedule_free_sgd", params, grads, {&state.x, &state.z});
  check_dtype("schedule_free_sgd", params, std::array{h.lr, h.momentum, h.weight_decay});
  const Vars z = moved_by(state.z, -h.lr, decayed(grads, params, h.weight_decay));
  Updated<ScheduleFreeSgdState> next;
  next.params = average(h.lr, h.momentum, t, z, state, next.state);
  return next;
}

Updated<ScheduleFreeAdamwState> schedule_free_adamw(const ScheduleFreeAdamwHyper& h, const Vars& params,
                                                    const Vars& grads, const ScheduleFreeAdamwState& state,
                                                    std::int64_t t) {
  check_fit("schedule_free_adamw", params, grads, {&state.x, &state.z, &state.v});
  check_dtype("schedule_free_adamw", params, std::array{h.lr, h.beta1, h.beta2, h.eps, h.eps_root, h.weight_decay});
  const Var correction = reciprocal(1 - pow(h.beta2, static_cast<double>(t)));
  Updated<ScheduleFreeAdamwState> next;
  Vars directions;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var g = instantiate(grads[i], params[i]);
    const Var v = axpy(h.beta2, state.v[i], scale_by(square(g), 1 - h.beta2));
    const Var direction = g / (sqrt(scale_by(v, correction) + h.eps_root) + h.eps);
    directions.push_back(decayed(direction, params[i], h.weight_decay));
    next.state.v.push_back(v);
  }
  const Vars z = moved_by(state.z, -h.lr, directions);
  next.params = average(h.lr, h.beta1, t, z, state, next.state);
  return next;
}

std::vector<OptimizerKind> schedule_free_kinds() {
  using Range = HyperInfo::Range;
  return {{"schedule_free_sgd", "SGD with an average of the iterates in place of a falling rate",
           of<ScheduleFreeSgdHyper, ScheduleFreeSgdState>("schedule_free_sgd",
                                                          {{"lr", 1, Range::positive},
                                                           {"momentum", 0.9, Range::unit_interval},
                                                           {"weight_decay", 0, Range::non_negative}},
                                                          LrScales::gradient, schedule_free_sgd)},
          {"schedule_free_adamw", "AdamW with an average of the iterates in place of a falling rate",
           of<ScheduleFreeAdamwHyper, ScheduleFreeAdamwState>("schedule_free_adamw",
                                                              {{"lr", 0.0025, Range::positive},
                                                               {"beta1", 0.9, Range::unit_interval},
                                                               {"beta2", 0.999, Range::unit_interval},
                                                               {"eps", 1e-8, Range::positive},
                                                               {"eps_root", 1e-20, Range::positive},
                                                               {"weight_decay", 0, Range::non_negative}},
                                                              LrScales::direction, schedule_free_adamw)}};
}

}  // namespace glocal::optim

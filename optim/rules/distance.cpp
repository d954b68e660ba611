#include <glocal/optim/rules/distance.h>

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

Updated<DogState> dog(const DogHyper& h, const Vars& params, const Vars& grads, const DogState& state, std::int64_t t) {
  check_fit("dog", params, grads, {&state.average, &state.start});
  check_dtype("dog", params, std::array{h.lr, h.first_step, h.eps, h.weight_decay});
  const Vars g = decayed(grads, params, h.weight_decay);
  const Var moved = squared_norm(difference(params, state.start));
  Updated<DogState> next;
  next.state.start = state.start;
  next.state.distance = t == 1 ? h.first_step * (1 + root(squared_norm(params))) : larger(state.distance, root(moved));
  next.state.squares = (t == 1 ? h.eps : state.squares) + squared_norm(g);
  next.params = moved_by(params, -h.lr * next.state.distance * rsqrt(next.state.squares), g);
  const double share = 9 / (8 + static_cast<double>(t));
  for (std::size_t i = 0; i < params.size(); ++i)
    next.state.average.push_back((1 - share) * state.average[i] + share * next.params[i]);
  return next;
}

Updated<DowgState> dowg(const DowgHyper& h, const Vars& params, const Vars& grads, const DowgState& state,
                        std::int64_t t) {
  check_fit("dowg", params, grads, {&state.start});
  check_dtype("dowg", params, std::array{h.lr, h.eps, h.weight_decay});
  const Vars g = decayed(grads, params, h.weight_decay);
  Updated<DowgState> next;
  next.state.start = state.start;
  next.state.distance = larger(t == 1 ? h.eps : state.distance, squared_norm(difference(params, state.start)));
  next.state.squares = state.squares + next.state.distance * squared_norm(g);
  next.params = moved_by(params, -h.lr * next.state.distance / (root(next.state.squares) + h.eps), g);
  return next;
}

std::vector<OptimizerKind> distance_kinds() {
  using Range = HyperInfo::Range;
  return {{"dog", "no rate: the distance to the start over the root of the sum of squared gradients",
           [] {
             const auto start = [](const Vars& params) {
               DogState state = zero_state<DogState>(params);
               state.average = state.start = params;
               return state;
             };
             Optimizer optimizer = over_lists<DogHyper, DogState>("dog",
                                                                  {{"lr", 1, Range::positive},
                                                                   {"first_step", 1e-6, Range::positive},
                                                                   {"eps", 1e-8, Range::positive},
                                                                   {"weight_decay", 0, Range::non_negative}},
                                                                  dog, LrScales::own_rate, start);
             optimizer.judged = first_list;
             optimizer.joint = true;
             return optimizer;
           }},
          {"dowg", "the same with gradients weighted by the distance", [] {
             const auto start = [](const Vars& params) {
               DowgState state = zero_state<DowgState>(params);
               state.start = params;
               return state;
             };
             Optimizer optimizer = over_lists<DowgHyper, DowgState>(
                 "dowg",
                 {{"lr", 1, Range::positive}, {"eps", 1e-4, Range::positive}, {"weight_decay", 0, Range::non_negative}},
                 dowg, LrScales::own_rate, start);
             optimizer.joint = true;
             return optimizer;
           }}};
}

}  // namespace glocal::optim

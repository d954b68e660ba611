// What an update rule returns, and the checks they all share.
#pragma once
#include <glocal/autodiff/tree.h>

namespace glocal::optim {

template <Tree State>
struct Updated {
  Vars params;
  State state;
  auto fields() { return std::tie(params, state); }
};

/// The state of a rule before the first step: zeros shaped as the parameters, in each list of the state.
template <Tree State>
State zero_state(const Vars& params) {
  State state;
  const auto fill = [&](Vars& list) {
    for (const Var& w : params) list.push_back(zeros_like(w));
  };
  std::apply([&](auto&... list) { (fill(list), ...); }, state.fields());
  return state;
}

/// Throws ShapeError unless gradients and every list of the state fit the parameters; a gradient may be the symbolic
/// zero.
void check_fit(const char* rule, const Vars& params, const Vars& grads, std::initializer_list<const Vars*> state);

/// True for the symbolic zero and for a constant 0: terms with this factor are left out.
bool vanishes(const Var& hyper);

/// g + weight_decay * w, the gradient of the loss plus weight_decay |w|^2 / 2; g may be the symbolic zero.
Var decayed(const Var& g, const Var& w, const Var& weight_decay);

}  // namespace glocal::optim

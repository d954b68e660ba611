// A typed update rule as an Optimizer.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <glocal/autodiff/tree.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

/// Flat lists in and out of a typed rule: Updated<State> rule(Hyper, params, grads, State, t), or with the whole
/// Evaluation in place of grads. A field of State is a list of one entry per parameter, or one Var for all of them.
template <class Hyper, class State, class Rule>
Optimizer over_lists(const std::string& name, const std::vector<HyperInfo>& infos, Rule rule, LrScales lr_scales,
                     std::function<State(const Vars&)> init = zero_state<State>) {
  Optimizer optimizer{name, infos, {}, {}};
  optimizer.lr_scales = lr_scales;
  optimizer.init = [init](const Vars& params) { return flatten(init(params)); };
  optimizer.step = [name, infos, rule](const Vars& hyper, const Vars& params, const Evaluation& seen, const Vars& state,
                                       std::int64_t t) {
    if (hyper.size() != infos.size())
      fail<ShapeError>("[{}] takes {} hyperparameters, {} were given", name, infos.size(), hyper.size());
    for (std::size_t i = 0; i < hyper.size(); ++i)
      if (hyper[i] && hyper[i].size() != 1)
        fail<ShapeError>("[{}] {} must be one number, its shape is {}", name, infos[i].name, hyper[i].shape());
    if (params.empty()) return Step{{}, state};
    State typed;
    for_each_list(typed, [&](Vars& list) { list.resize(params.size()); });
    State before = unflatten(std::move(typed), state);
    const auto given = [&]() -> const auto& {
      if constexpr (std::is_invocable_v<Rule, Hyper, Vars, const Evaluation&, State, std::int64_t>)
        return seen;
      else
        return seen.grads;
    };
    auto next = rule(unflatten(Hyper{}, hyper), params, given(), std::move(before), t);
    return Step{std::move(next.params), flatten(next.state)};
  };
  return optimizer;
}

/// For Optimizer::judged: the first of the lists that the state holds.
inline Vars first_list(const Vars& params, const Vars& state) {
  return {state.begin(), state.begin() + static_cast<std::ptrdiff_t>(params.size())};
}

}  // namespace glocal::optim

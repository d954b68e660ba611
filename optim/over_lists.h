// A typed update rule as an Optimizer.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <glocal/autodiff/tree.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

/// Flat lists in and out of a typed rule: Updated<State> rule(Hyper, params, grads, State, t).
template <class Hyper, class State, class Rule>
Optimizer over_lists(const std::string& name, const std::vector<HyperInfo>& infos, Rule rule) {
  Optimizer optimizer{name, infos, {}, {}};
  optimizer.init = [](const Vars& params) { return flatten(zero_state<State>(params)); };
  optimizer.step = [name, infos, rule](const Vars& hyper, const Vars& params, const Vars& grads, const Vars& state,
                                       std::int64_t t) {
    if (hyper.size() != infos.size())
      fail<ShapeError>("[{}] takes {} hyperparameters, {} were given", name, infos.size(), hyper.size());
    for (std::size_t i = 0; i < hyper.size(); ++i)
      if (hyper[i] && hyper[i].size() != 1)
        fail<ShapeError>("[{}] {} must be one number, its shape is {}", name, infos[i].name, hyper[i].shape());
    State typed;
    std::apply([&](auto&... list) { (list.resize(params.size()), ...); }, typed.fields());
    auto next = rule(unflatten(Hyper{}, hyper), params, grads, unflatten(std::move(typed), state), t);
    return Step{std::move(next.params), flatten(next.state)};
  };
  return optimizer;
}

}  // namespace glocal::optim

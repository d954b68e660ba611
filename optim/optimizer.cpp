#include <glocal/optim/optimizer.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/nearest.h>
#include <glocal/optim/rules/adagrad.h>
#include <glocal/optim/rules/adam.h>
#include <glocal/optim/rules/rmsprop.h>
#include <glocal/optim/rules/sgd.h>

namespace glocal::optim {

namespace {

using Range = HyperInfo::Range;

const HyperInfo eps_root{"eps_root", 1e-20, Range::positive};

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

Optimizer make_sgd(const std::string& name, bool nesterov) {
  return over_lists<SgdHyper, SgdState>(name,
                                        {{"lr", 0.1, Range::positive},
                                         {"momentum", 0.9, Range::unit_interval},
                                         {"weight_decay", 1e-4, Range::non_negative}},
                                        [nesterov](const SgdHyper& h, const Vars& w, const Vars& g, const SgdState& s,
                                                   std::int64_t) { return sgd(h, w, g, s, nesterov); });
}

template <class Rule>
Optimizer make_adam(const std::string& name, double weight_decay, Rule rule) {
  return over_lists<AdamHyper, AdamState>(name,
                                          {{"lr", 1e-3, Range::positive},
                                           {"beta1", 0.9, Range::unit_interval},
                                           {"beta2", 0.999, Range::unit_interval},
                                           {"eps", 1e-8, Range::positive},
                                           eps_root,
                                           {"weight_decay", weight_decay, Range::non_negative}},
                                          rule);
}

Optimizer make_rmsprop(const std::string& name) {
  return over_lists<RmspropHyper, RmspropState>(
      name,
      {{"lr", 1e-3, Range::positive},
       {"alpha", 0.99, Range::unit_interval},
       {"eps", 1e-8, Range::positive},
       eps_root,
       {"momentum", 0, Range::unit_interval},
       {"weight_decay", 0, Range::non_negative}},
      [](const RmspropHyper& h, const Vars& w, const Vars& g, const RmspropState& s, std::int64_t) {
        return rmsprop(h, w, g, s);
      });
}

Optimizer make_adagrad(const std::string& name) {
  return over_lists<AdagradHyper, AdagradState>(
      name,
      {{"lr", 1e-2, Range::positive},
       {"eps", 1e-10, Range::positive},
       eps_root,
       {"weight_decay", 0, Range::non_negative}},
      [](const AdagradHyper& h, const Vars& w, const Vars& g, const AdagradState& s, std::int64_t) {
        return adagrad(h, w, g, s);
      });
}

}  // namespace

Optimizer make_optimizer(const std::string& name) {
  if (name == "sgd") return make_sgd(name, false);
  if (name == "nesterov") return make_sgd(name, true);
  if (name == "adam") return make_adam(name, 0, adam);
  if (name == "adamw") return make_adam(name, 1e-2, adamw);
  if (name == "rmsprop") return make_rmsprop(name);
  if (name == "adagrad") return make_adagrad(name);
  fail<ValueError>("[optimizer] {}", unknown_name(name, "optimizer", optimizer_names(), "glocal list optimizers"));
}

std::vector<std::string> optimizer_names() { return {"sgd", "nesterov", "adam", "adamw", "rmsprop", "adagrad"}; }

Vars initial_hyper(const Optimizer& optimizer, DType dtype) {
  Vars values;
  for (const HyperInfo& info : optimizer.hyper) values.push_back(Tensor::scalar(info.initial, dtype));
  return values;
}

}  // namespace glocal::optim

#include <glocal/optim/rules/adam.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <glocal/autodiff/fused.h>
#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/rule.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/simd/update.h>
#include <glocal/core/simd/vector.h>
#include <glocal/core/tensor.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/over_lists.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

namespace {

enum class Decay { coupled, decoupled };

// (w, g, m, v, lr, beta1, beta2, eps, eps_root, wd) -> (w', m', v') at step t.
template <Name rule, Decay decay>
struct AdamUpdate : FusedPrimitive<rule> {
  enum Input : std::size_t { W, G, M, V, Lr, Beta1, Beta2, Eps, EpsRoot, Wd };
  double t;
  explicit AdamUpdate(std::int64_t step) : t(static_cast<double>(step)) {}

  Vars composed(In x) const override {
    const Var g = decay == Decay::coupled ? decayed(x[G], x[W], x[Wd]) : x[G];
    const Var m = axpy(x[Beta1], x[M], scale_by(g, 1 - x[Beta1]));
    const Var v = axpy(x[Beta2], x[V], scale_by(square(g), 1 - x[Beta2]));
    const Var root = sqrt(scale_by(v, reciprocal(1 - pow(x[Beta2], t))) + x[EpsRoot]) + x[Eps];
    Var direction = scale_by(m, reciprocal(1 - pow(x[Beta1], t))) / root;
    if (decay == Decay::decoupled) direction = decayed(direction, x[W], x[Wd]);
    return {axpy(-x[Lr], direction, x[W]), m, v};
  }

  Vars eval(std::span<Var> x) const override {
    const auto number = [&](Input i) { return x[i].item(); };
    const double coupled = decay == Decay::coupled ? number(Wd) : 0;
    const Tensor &w = x[W].value(), &g = x[G].value(), &m = x[M].value(), &v = x[V].value();
    Tensor w_new = result_in(x[W]), m_new = result_in(x[M]), v_new = result_in(x[V]);
    visit_float(w.dtype(), this->name(), [&]<class T>() {
      const auto as = [](double value) { return static_cast<T>(value); };
      const simd::AdamStep<T> step{as(number(Lr)),
                                   as(number(Beta1)),
                                   as(number(Beta2)),
                                   as(1 / (1 - std::pow(number(Beta1), t))),
                                   as(1 / (1 - std::pow(number(Beta2), t))),
                                   as(number(Eps)),
                                   as(number(EpsRoot)),
                                   as(number(Wd) - coupled)};
      for_each_chunk(w.size(), [&](std::int64_t i, std::int64_t n) {
        T slope[chunk];
        simd::vector<T>().lincomb(n, as(coupled), w.data<T>() + i, T(1), g.data<T>() + i, slope);
        simd::update<T>().adam(n, step, slope, m.data<T>() + i, v.data<T>() + i, w.data<T>() + i, m_new.data<T>() + i,
                               v_new.data<T>() + i, w_new.data<T>() + i);
      });
    });
    return {w_new, m_new, v_new};
  }
};

template <Name rule, Decay decay>
Updated<AdamState> adam_step(const AdamHyper& hyper, Vars params, Vars grads, AdamState state, std::int64_t t) {
  check_fit(rule.text, params, grads, {&state.m, &state.v});
  check_dtype(rule.text, params,
              std::array{hyper.lr, hyper.beta1, hyper.beta2, hyper.eps, hyper.eps_root, hyper.weight_decay});
  if (t < 1) fail<ValueError>("[{}] steps are counted from 1, got t = {}", rule.text, t);
  const auto update = std::make_shared<const AdamUpdate<rule, decay>>(t);
  Updated<AdamState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (!grads[i]) grads[i] = zeros_like(params[i]);
    const Var decay_rate = hyper.weight_decay ? hyper.weight_decay : Var(Tensor::scalar(0, params[i].dtype()));
    Vars updated =
        call(update, moved(std::move(params[i]), std::move(grads[i]), std::move(state.m[i]), std::move(state.v[i]),
                           hyper.lr, hyper.beta1, hyper.beta2, hyper.eps, hyper.eps_root, decay_rate));
    next.params.push_back(std::move(updated[0]));
    next.state.m.push_back(std::move(updated[1]));
    next.state.v.push_back(std::move(updated[2]));
  }
  return next;
}

}  // namespace

Updated<AdamState> adam(const AdamHyper& hyper, Vars params, Vars grads, AdamState state, std::int64_t t) {
  return adam_step<"adam_update", Decay::coupled>(hyper, std::move(params), std::move(grads), std::move(state), t);
}

Updated<AdamState> adamw(const AdamHyper& hyper, Vars params, Vars grads, AdamState state, std::int64_t t) {
  return adam_step<"adamw_update", Decay::decoupled>(hyper, std::move(params), std::move(grads), std::move(state), t);
}

std::vector<OptimizerKind> adam_kinds() {
  using Range = HyperInfo::Range;
  const auto of = [](const char* name, double weight_decay, auto rule) {
    return [name, weight_decay, rule] {
      return over_lists<AdamHyper, AdamState>(name,
                                              {{"lr", 1e-3, Range::positive},
                                               {"beta1", 0.9, Range::unit_interval},
                                               {"beta2", 0.999, Range::unit_interval},
                                               {"eps", 1e-8, Range::positive},
                                               {"eps_root", 1e-20, Range::positive},
                                               {"weight_decay", weight_decay, Range::non_negative}},
                                              rule, LrScales::direction);
    };
  };
  return {{"adam", "steps of a size of their own for every weight", of("adam", 0, adam)},
          {"adamw", "the same, with the decay apart from the gradient", of("adamw", 1e-2, adamw)}};
}

}  // namespace glocal::optim

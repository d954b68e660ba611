#include <glocal/optim/rules/mechanic.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/adam.h>
#include <glocal/optim/rules/sgd.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

namespace {

constexpr std::int64_t discounts = 6;

// Of the state: base's buffers, then the start and the moves of each parameter, then these, of one number a discount.
enum Learned : std::size_t { M, V, R, S, learned };

Tensor discount(DType dtype) {
  return Tensor::from<double>({0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999}, {discounts}).to(dtype);
}

}  // namespace

Optimizer mechanic(const std::string& name, const Optimizer& base) {
  if (base.judged) fail<ValueError>("[{}] cannot be put around {}, which judges other parameters", name, base.name);
  using Range = HyperInfo::Range;
  constexpr std::size_t own = 3;  // mechanic_decay, first_scale, mechanic_eps
  Optimizer optimizer{name, base.hyper, {}, {}};
  for (HyperInfo& info : optimizer.hyper)
    if (info.name == "lr") info.initial = 1;
  optimizer.hyper.push_back({"mechanic_decay", 0.01, Range::non_negative});
  optimizer.hyper.push_back({"first_scale", 1e-8, Range::positive});
  optimizer.hyper.push_back({"mechanic_eps", 1e-8, Range::positive});
  optimizer.joint = true;
  optimizer.lr_scales = LrScales::own_rate;
  optimizer.evaluations = base.evaluations;
  optimizer.init = [base](const Vars& params) {
    Vars state = base.init(params);
    state.insert(state.end(), params.begin(), params.end());
    for (const Var& w : params) state.push_back(zeros_like(w));
    const DType dtype = params.empty() ? DType::f32 : params[0].dtype();
    for (std::size_t i = 0; i < learned; ++i) state.push_back(Tensor::full({discounts}, i == M ? 1e-6 : 0, dtype));
    return state;
  };
  optimizer.step = [name, base, takes = optimizer.hyper.size()](const Vars& hyper, const Vars& params,
                                                                const Evaluation& seen, const Vars& state,
                                                                std::int64_t t) {
    if (hyper.size() != takes)
      fail<ShapeError>("[{}] takes {} hyperparameters, {} were given", name, takes, hyper.size());
    if (params.empty()) return Step{{}, state};
    const std::size_t count = params.size(), above_base = 2 * count + learned;
    if (state.size() < above_base)
      fail<ShapeError>("[{}] {} parameters need a state of at least {} entries, got {}", name, count, above_base,
                       state.size());
    const auto part = [](const Vars& all, std::size_t begin, std::size_t size) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(begin);
      return Vars(first, first + static_cast<std::ptrdiff_t>(size));
    };
    const std::size_t of_base = state.size() - above_base;
    const Vars start = part(state, of_base, count), moved_before = part(state, of_base + count, count);
    const Var &m0 = state[of_base + 2 * count + M], &v0 = state[of_base + 2 * count + V],
              &r0 = state[of_base + 2 * count + R], &s0 = state[of_base + 2 * count + S];
    const std::size_t mine = takes - own;
    const Var &decay = hyper[mine], &first_scale = hyper[mine + 1], &eps = hyper[mine + 2];
    check_fit(name.c_str(), params, seen.grads, {&start, &moved_before});
    check_dtype(name.c_str(), params, hyper);

    Step inside = base.step(part(hyper, 0, mine), params, seen, part(state, 0, of_base), t);
    const Vars g = decayed(seen.grads, params, Var());
    Var h = inner(moved_before, g);
    if (!vanishes(decay)) {
      const Var pull = decay * sum(s0) * root(squared_norm(g)) / (root(squared_norm(inside.params)) + eps);
      h = h + pull * inner(moved_before, inside.params);
    }
    const DType dtype = params[0].dtype();
    const Var b = discount(dtype), zero = Tensor::zeros({discounts}, dtype);
    const Var m = maximum(b * m0, broadcast_to(abs(h), {discounts}));
    const Var v = square(b) * v0 + square(h);
    const Var r = maximum(zero, b * r0 - s0 * h);
    const bool moved_yet = v.value().at(0) > 0;  // until then the slope of the root is infinite
    const Var s = (first_scale / static_cast<double>(discounts) * m + r) / ((moved_yet ? sqrt(v) : zero) + eps);
    const Var scale = larger(sum(s), Var(Tensor::zeros({}, dtype)));

    Step next{{}, inside.state};
    next.state.insert(next.state.end(), start.begin(), start.end());
    for (std::size_t i = 0; i < count; ++i) {
      const Var moved = moved_before[i] + (inside.params[i] - params[i]);
      next.params.push_back(axpy(scale, moved, start[i]));
      next.state.push_back(moved);
    }
    for (const Var& number : {m, v, r, s}) next.state.push_back(number);
    return next;
  };
  return optimizer;
}

std::vector<OptimizerKind> mechanic_kinds() {
  const auto around = [](const std::vector<OptimizerKind>& kinds, const std::string& base) {
    const auto kind = std::ranges::find(kinds, base, &OptimizerKind::name);
    return OptimizerKind{"mechanic_" + base, base + " with the scale of its steps learned on the way",
                         [make = kind->make, base] { return mechanic("mechanic_" + base, make()); }};
  };
  return {around(sgd_kinds(), "sgd"), around(adam_kinds(), "adamw")};
}

}  // namespace glocal::optim

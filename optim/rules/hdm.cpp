#include <glocal/optim/rules/hdm.h>

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
#include <glocal/optim/over_lists.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

namespace {

// AdaGrad's step against the slope h; a slope of 0 moves nothing.
Var descended(const Var& x, const Var& lr, const Var& h, const Var& squares, const Var& eps) {
  constexpr double eps_root = 1e-30;  // the root's slope at 0 is finite; next to eps it does not count
  return x - lr * (h / (sqrt(squares + eps_root) + eps));
}

}  // namespace

Updated<HdmState> hdm(HdmRate kind, const HdmHyper& h, const Vars& params, const Evaluation& seen,
                      const HdmState& state, std::int64_t t) {
  check_fit("hdm", params, seen.grads, {&state.before});
  check_dtype("hdm", params, std::array{h.lr, h.first_momentum, h.momentum_lr, h.eps});
  if (!seen.loss || !seen.at)
    fail<ValueError>("[hdm] evaluates the step's loss at two places, and was given {}",
                     seen.loss ? "no function for the second" : "no loss");
  const Vars g = decayed(seen.grads, params, Var()), moved = difference(params, state.before);
  const Var momentum = t == 1 ? h.first_momentum : state.momentum;
  Vars tried;
  for (std::size_t i = 0; i < params.size(); ++i)
    tried.push_back(axpy(momentum, moved[i], params[i] - state.rate[i] * g[i]));
  const Evaluation there = seen.at(tried);
  const Vars ahead = decayed(there.grads, params, Var());
  const Var size = squared_norm(g) + h.eps;

  Updated<HdmState> next;
  const Var shared = kind == HdmRate::one ? -inner(ahead, g) / size : Var();
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var slope = shared ? shared : scale_by(ahead[i] * g[i], -reciprocal(size));
    next.state.rate_squares.push_back(state.rate_squares[i] + square(slope));
    next.state.rate.push_back(descended(state.rate[i], h.lr, slope, next.state.rate_squares[i], h.eps));
  }
  const Var slope = inner(ahead, moved) / size;
  next.state.momentum_squares = state.momentum_squares + square(slope);
  constexpr double most = 0.9995;
  next.state.momentum = clamp(descended(momentum, h.momentum_lr, slope, next.state.momentum_squares, h.eps), 0, most);
  next.state.before = params;
  next.params = there.loss.item() < seen.loss.item() ? tried : params;
  return next;
}

std::vector<OptimizerKind> hdm_kinds() {
  using Range = HyperInfo::Range;
  const auto of = [](const char* name, HdmRate kind) {
    return [name, kind] {
      const auto rule = [kind](const HdmHyper& h, const Vars& w, const Evaluation& seen, const HdmState& s,
                               std::int64_t t) { return hdm(kind, h, w, seen, s, t); };
      const auto start = [kind](const Vars& params) {
        HdmState state = zero_state<HdmState>(params);
        state.before = params;
        if (kind == HdmRate::one)
          for (Vars* list : {&state.rate, &state.rate_squares})
            for (Var& number : *list) number = Tensor::zeros({}, number.dtype());
        return state;
      };
      Optimizer optimizer = over_lists<HdmHyper, HdmState>(name,
                                                           {{"lr", 0.1, Range::positive},
                                                            {"first_momentum", 0.95, Range::unit_interval},
                                                            {"momentum_lr", 1, Range::positive},
                                                            {"eps", 1e-12, Range::positive}},
                                                           rule, LrScales::own_rate, start);
      optimizer.joint = true;
      optimizer.evaluations = 2;
      return optimizer;
    };
  };
  return {{"hdm", "hypergradient descent on a rate for each weight, with null steps; two gradients a step",
           of("hdm", HdmRate::each)},
          {"hdm_one_rate", "the same with one rate for all weights", of("hdm_one_rate", HdmRate::one)}};
}

}  // namespace glocal::optim

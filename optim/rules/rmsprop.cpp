#include <glocal/optim/rules/rmsprop.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <glocal/autodiff/fused.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/simd/update.h>
#include <glocal/core/tensor.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/over_lists.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

namespace {

// (w, g, s, v, lr, alpha, eps, eps_root, momentum, wd) -> (w', s', v').
struct RmspropUpdate : FusedPrimitive<"rmsprop_update"> {
  enum Input : std::size_t { W, G, S, V, Lr, Alpha, Eps, EpsRoot, Mu, Wd };

  Vars composed(In x) const override {
    const Var g = axpy(x[Wd], x[W], x[G]);
    const Var s = axpy(x[Alpha], x[S], scale_by(square(g), 1 - x[Alpha]));
    const Var v = axpy(x[Mu], x[V], g / (sqrt(s + x[EpsRoot]) + x[Eps]));
    return {axpy(-x[Lr], v, x[W]), s, v};
  }

  Vars eval(std::span<Var> x) const override {
    const Tensor &w = x[W].value(), &g = x[G].value(), &s = x[S].value(), &v = x[V].value();
    Tensor w_new = result_in(x[W]), s_new = result_in(x[S]), v_new = result_in(x[V]);
    visit_float(w.dtype(), name(), [&]<class T>() {
      const auto number = [&](Input i) { return static_cast<T>(x[i].item()); };
      const simd::RootStep<T> step{number(Lr), number(Alpha), number(Mu), number(Eps), number(EpsRoot), number(Wd)};
      for_each_chunk(w.size(), [&](std::int64_t i, std::int64_t n) {
        simd::update<T>().rmsprop(n, step, g.data<T>() + i, s.data<T>() + i, v.data<T>() + i, w.data<T>() + i,
                                  s_new.data<T>() + i, v_new.data<T>() + i, w_new.data<T>() + i);
      });
    });
    return {w_new, s_new, v_new};
  }
};

}  // namespace

Updated<RmspropState> rmsprop(const RmspropHyper& hyper, Vars params, Vars grads, RmspropState state) {
  check_fit("rmsprop", params, grads, {&state.square, &state.velocity});
  check_dtype("rmsprop", params,
              std::array{hyper.lr, hyper.alpha, hyper.eps, hyper.eps_root, hyper.momentum, hyper.weight_decay});
  static const auto update = std::make_shared<const RmspropUpdate>();
  Updated<RmspropState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var zero = Tensor::scalar(0, params[i].dtype());
    const auto number = [&](const Var& h) { return h ? h : zero; };
    if (!grads[i]) grads[i] = zeros_like(params[i]);
    Vars updated = call(update, moved(std::move(params[i]), std::move(grads[i]), std::move(state.square[i]),
                                      std::move(state.velocity[i]), hyper.lr, hyper.alpha, hyper.eps, hyper.eps_root,
                                      number(hyper.momentum), number(hyper.weight_decay)));
    next.params.push_back(std::move(updated[0]));
    next.state.square.push_back(std::move(updated[1]));
    next.state.velocity.push_back(std::move(updated[2]));
  }
  return next;
}

std::vector<OptimizerKind> rmsprop_kinds() {
  using Range = HyperInfo::Range;
  return {{"rmsprop", "gradients over the root of their mean square, with momentum", [] {
             const auto rule = [](const RmspropHyper& h, const Vars& w, const Vars& g, const RmspropState& s,
                                  std::int64_t) { return rmsprop(h, w, g, s); };
             return over_lists<RmspropHyper, RmspropState>("rmsprop",
                                                           {{"lr", 1e-3, Range::positive},
                                                            {"alpha", 0.99, Range::unit_interval},
                                                            {"eps", 1e-8, Range::positive},
                                                            {"eps_root", 1e-20, Range::positive},
                                                            {"momentum", 0, Range::unit_interval},
                                                            {"weight_decay", 0, Range::non_negative}},
                                                           rule, LrScales::direction);
           }}};
}

}  // namespace glocal::optim

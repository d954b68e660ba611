#include <glocal/optim/rules/adagrad.h>

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

// (w, g, s, lr, eps, eps_root, wd) -> (w', s').
struct AdagradUpdate : FusedPrimitive<"adagrad_update"> {
  enum Input : std::size_t { W, G, S, Lr, Eps, EpsRoot, Wd };

  Vars composed(In x) const override {
    const Var g = axpy(x[Wd], x[W], x[G]), s = x[S] + square(g);
    return {axpy(-x[Lr], g / (sqrt(s + x[EpsRoot]) + x[Eps]), x[W]), s};
  }

  Vars eval(std::span<Var> x) const override {
    const Tensor &w = x[W].value(), &g = x[G].value(), &s = x[S].value();
    Tensor w_new = result_in(x[W]), s_new = result_in(x[S]);
    visit_float(w.dtype(), name(), [&]<class T>() {
      const auto number = [&](Input i) { return static_cast<T>(x[i].item()); };
      const simd::RootStep<T> step{number(Lr), 0, 0, number(Eps), number(EpsRoot), number(Wd)};
      for_each_chunk(w.size(), [&](std::int64_t i, std::int64_t n) {
        simd::update<T>().adagrad(n, step, g.data<T>() + i, s.data<T>() + i, w.data<T>() + i, s_new.data<T>() + i,
                                  w_new.data<T>() + i);
      });
    });
    return {w_new, s_new};
  }
};

}  // namespace

Updated<AdagradState> adagrad(const AdagradHyper& hyper, Vars params, Vars grads, AdagradState state) {
  check_fit("adagrad", params, grads, {&state.square});
  check_dtype("adagrad", params, std::array{hyper.lr, hyper.eps, hyper.eps_root, hyper.weight_decay});
  static const auto update = std::make_shared<const AdagradUpdate>();
  Updated<AdagradState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (!grads[i]) grads[i] = zeros_like(params[i]);
    const Var decay = hyper.weight_decay ? hyper.weight_decay : Var(Tensor::scalar(0, params[i].dtype()));
    Vars updated = call(update, moved(std::move(params[i]), std::move(grads[i]), std::move(state.square[i]), hyper.lr,
                                      hyper.eps, hyper.eps_root, decay));
    next.params.push_back(std::move(updated[0]));
    next.state.square.push_back(std::move(updated[1]));
  }
  return next;
}

std::vector<OptimizerKind> adagrad_kinds() {
  using Range = HyperInfo::Range;
  return {{"adagrad", "gradients over the root of the sum of their squares", [] {
             const auto rule = [](const AdagradHyper& h, const Vars& w, const Vars& g, const AdagradState& s,
                                  std::int64_t) { return adagrad(h, w, g, s); };
             return over_lists<AdagradHyper, AdagradState>("adagrad",
                                                           {{"lr", 1e-2, Range::positive},
                                                            {"eps", 1e-10, Range::positive},
                                                            {"eps_root", 1e-20, Range::positive},
                                                            {"weight_decay", 0, Range::non_negative}},
                                                           rule, LrScales::direction);
           }}};
}

}  // namespace glocal::optim

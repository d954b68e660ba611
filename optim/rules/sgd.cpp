#include <glocal/optim/rules/sgd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <glocal/autodiff/fused.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/rule.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/simd/update.h>
#include <glocal/core/tensor.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/over_lists.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

namespace {

// The inputs of both rules.
enum Input : std::size_t { W, G, V, Lr, Mu, Wd };

template <class T>
simd::SgdStep<T> numbers(In x) {
  const auto number = [&](Input i) { return x[i] ? static_cast<T>(x[i].item()) : T(0); };
  return {number(Lr), number(Mu), number(Wd)};
}

// (w', v') by the kernel that `choose` takes from the table.
template <class Choose>
Vars step_of(std::span<Var> x, Choose choose) {
  const Tensor &w = x[W].value(), &g = x[G].value(), &v = x[V].value();
  Tensor w_new = result_in(x[W]), v_new = result_in(x[V]);
  visit_float(w.dtype(), "sgd", [&]<class T>() {
    const auto step = numbers<T>(x);
    const auto kernel = choose(simd::update<T>());
    for_each_chunk(w.size(), [&](std::int64_t i, std::int64_t n) {
      kernel(n, step, g.data<T>() + i, v.data<T>() + i, w.data<T>() + i, v_new.data<T>() + i, w_new.data<T>() + i);
    });
  });
  return {w_new, v_new};
}

// (w, g, v, lr, mu, wd) -> (w', v').
struct SgdUpdate : FusedPrimitive<"sgd_update"> {
  // g enters linearly and v' is at hand, so neither direction reads it.
  Reads reads(Wants) const override { return {~(std::uint64_t{1} << G), true}; }

  Vars composed(In x) const override {
    const Var v = axpy(x[Mu], x[V], axpy(x[Wd], x[W], x[G]));
    return {axpy(-x[Lr], v, x[W]), v};
  }

  Vars eval(std::span<Var> x) const override {
    return step_of(x, [](const auto& k) { return k.sgd; });
  }

  // dv' = mu dv + wd dw + dg + dmu v + dwd w,  dw' = dw - lr dv' - dlr v'
  Vars push_one(In x, In y, In dx) const {
    Var dv = dx[Wd] ? (dx[G] ? axpy(dx[Wd], x[W], dx[G]) : scale_by(x[W], dx[Wd])) : dx[G];
    dv = plus_scaled(x[Wd], dx[W], plus_scaled(dx[Mu], x[V], plus_scaled(x[Mu], dx[V], dv)));
    return {plus_scaled(dx[Lr] ? -dx[Lr] : Var(), y[1], plus_scaled(-x[Lr], dv, dx[W])), dv};
  }

  std::vector<Vars> push_all(In x, In y, std::span<const Vars> dx) const override {
    std::vector<Vars> dy(dx.size());
    const bool dense = std::all_of(dx.begin(), dx.end(), [](const Vars& d) { return all_constant(In(d).first(3)); });
    const bool numbers_only = std::all_of(dx.begin(), dx.end(), [](const Vars& d) { return constant_or_zero(d); });
    if (dense && numbers_only && constant_or_zero(x) && all_constant(y))
      push_dense(x, y, dx, dy);
    else
      for (std::size_t k = 0; k < dx.size(); ++k) dy[k] = push_one(x, y, dx[k]);
    return dy;
  }

  void push_dense(In x, In y, std::span<const Vars> dx, std::vector<Vars>& dy) const {
    const Tensor &w = x[W].value(), &v = x[V].value(), &v_new = y[1].value();
    std::vector<std::array<Tensor, 2>> out;
    for (std::size_t k = 0; k < dx.size(); ++k)
      out.push_back({Tensor(w.shape(), w.dtype()), Tensor(w.shape(), w.dtype())});
    visit_float(w.dtype(), name(), [&]<class T>() {
      const auto step = numbers<T>(x);
      for_each_chunk(w.size(), [&](std::int64_t i, std::int64_t n) {  // v, w, v' are read once for all directions
        for (std::size_t k = 0; k < dx.size(); ++k)
          simd::update<T>().sgd_push(n, step, numbers<T>(dx[k]), v.data<T>() + i, w.data<T>() + i, v_new.data<T>() + i,
                                     dx[k][G].value().data<T>() + i, dx[k][V].value().data<T>() + i,
                                     dx[k][W].value().data<T>() + i, out[k][1].data<T>() + i, out[k][0].data<T>() + i);
      });
    });
    for (std::size_t k = 0; k < dx.size(); ++k) dy[k] = {out[k][0], out[k][1]};
  }

  // With a the adjoints: ag = av' - lr aw',  av = mu ag,  aw = aw' + wd ag.
  void pull(In x, In y, In gy, Wants w, Out gx) const override {
    const Var &aw = gy[0], &av = gy[1];
    if (aw && av && constant_or_zero(x) && all_constant(gy) && all_constant(y)) return pull_dense(x, y, gy, w, gx);
    const Var ag = plus_scaled(-x[Lr], aw, av);
    gx[W] = plus_scaled(x[Wd], ag, aw);
    gx[G] = ag;
    if (w[V]) gx[V] = scale_by(ag, x[Mu]);
    if (w[Lr] && aw) gx[Lr] = reshape(neg(dot(aw, y[1])), x[Lr].shape());
    if (w[Mu]) gx[Mu] = reshape(dot(ag, x[V]), x[Mu].shape());
    if (w[Wd]) gx[Wd] = reshape(dot(ag, x[W]), x[Wd].shape());
  }

  void pull_dense(In x, In y, In gy, Wants wants, Out gx) const {
    const Tensor &w = x[W].value(), &v = x[V].value(), &v_new = y[1].value();
    Tensor ag(w.shape(), w.dtype()), av(w.shape(), w.dtype()), aw(w.shape(), w.dtype());
    std::vector<std::array<double, 3>> partial(static_cast<std::size_t>((w.size() + chunk - 1) / chunk));
    visit_float(w.dtype(), name(), [&]<class T>() {
      const auto step = numbers<T>(x);
      for_each_chunk(w.size(), [&](std::int64_t i, std::int64_t n) {
        simd::update<T>().sgd_pull(n, step, v.data<T>() + i, w.data<T>() + i, v_new.data<T>() + i,
                                   gy[1].value().data<T>() + i, gy[0].value().data<T>() + i, ag.data<T>() + i,
                                   av.data<T>() + i, aw.data<T>() + i,
                                   partial[static_cast<std::size_t>(i / chunk)].data());
      });
    });
    for (std::size_t j = 0; j < 3; ++j) {
      double sum = 0;
      for (const auto& part : partial) sum += part[j];
      if (wants[Lr + j]) gx[Lr + j] = Tensor::full(x[Lr + j].shape(), sum, w.dtype());
    }
    gx[W] = aw;
    gx[G] = ag;
    gx[V] = av;
  }

 private:
  static bool constant_or_zero(In x) {
    return std::all_of(x.begin(), x.end(), [](const Var& v) { return v.level() == 0; });
  }
  // s x + y, where x, s or y may be the symbolic zero.
  static Var plus_scaled(const Var& s, const Var& x, const Var& y) {
    return !s || !x ? y : y ? axpy(s, x, y) : scale_by(x, s);
  }
};

// The same inputs and outputs, by Nesterov's rule.
struct NesterovUpdate : FusedPrimitive<"nesterov_update"> {
  Vars composed(In x) const override {
    const Var g = axpy(x[Wd], x[W], x[G]), v = axpy(x[Mu], x[V], g);
    return {axpy(-x[Lr], axpy(x[Mu], v, g), x[W]), v};
  }
  Vars eval(std::span<Var> x) const override {
    return step_of(x, [](const auto& k) { return k.nesterov; });
  }
};

}  // namespace

Updated<SgdState> sgd(const SgdHyper& hyper, Vars params, Vars grads, SgdState state, bool nesterov) {
  check_fit("sgd", params, grads, {&state.velocity});
  check_dtype("sgd", params, std::array{hyper.lr, hyper.momentum, hyper.weight_decay});
  static const std::shared_ptr<const Fused> plain = std::make_shared<SgdUpdate>();
  static const std::shared_ptr<const Fused> lookahead = std::make_shared<NesterovUpdate>();
  const auto& update = nesterov ? lookahead : plain;
  Updated<SgdState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var zero = Tensor::scalar(0, params[i].dtype());
    const auto number = [&](const Var& h) { return h ? h : zero; };
    if (!grads[i]) grads[i] = zeros_like(params[i]);
    Vars updated = call(update, moved(std::move(params[i]), std::move(grads[i]), std::move(state.velocity[i]), hyper.lr,
                                      number(hyper.momentum), number(hyper.weight_decay)));
    next.params.push_back(std::move(updated[0]));
    next.state.velocity.push_back(std::move(updated[1]));
  }
  return next;
}

std::vector<OptimizerKind> sgd_kinds() {
  using Range = HyperInfo::Range;
  const auto of = [](const char* name, bool nesterov) {
    return [name, nesterov] {
      const auto rule = [nesterov](const SgdHyper& h, const Vars& w, const Vars& g, const SgdState& s, std::int64_t) {
        return sgd(h, w, g, s, nesterov);
      };
      return over_lists<SgdHyper, SgdState>(name,
                                            {{"lr", 0.1, Range::positive},
                                             {"momentum", 0.9, Range::unit_interval},
                                             {"weight_decay", 1e-4, Range::non_negative}},
                                            rule, LrScales::gradient);
    };
  };
  return {{"sgd", "stochastic gradient descent with momentum", of("sgd", false)},
          {"nesterov", "the same with Nesterov's momentum", of("nesterov", true)}};
}

}  // namespace glocal::optim

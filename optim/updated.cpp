#include <glocal/optim/updated.h>

#include <cstddef>
#include <initializer_list>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>

namespace glocal::optim {

void check_fit(const char* rule, const Vars& params, const Vars& grads, std::initializer_list<const Vars*> state) {
  const auto check = [&](const Vars& list, const char* what) {
    if (list.size() != params.size())
      fail<ShapeError>("[{}] {} parameters, but {} {}", rule, params.size(), list.size(), what);
    for (std::size_t i = 0; i < list.size(); ++i)
      if (list[i] && list[i].shape() != params[i].shape())
        fail<ShapeError>("[{}] parameter {} has shape {}, its entry in {} has {}", rule, i, params[i].shape(), what,
                         list[i].shape());
  };
  check(grads, "gradients");
  for (const Vars* list : state) check(*list, "state");
}

void check_dtype(const char* rule, const Vars& params, In hyper) {
  for (const Var& w : params)
    for (const Var& h : hyper)
      if (h && h.dtype() != w.dtype())
        fail<DTypeError>("[{}] a hyperparameter is {}, the parameters are {}; convert one with .to()", rule, h.dtype(),
                         w.dtype());
}

bool vanishes(const Var& hyper) { return !hyper || (hyper.level() == 0 && hyper.item() == 0); }

Var decayed(const Var& g, const Var& w, const Var& weight_decay) {
  const Var gradient = instantiate(g, w);
  return vanishes(weight_decay) ? gradient : axpy(weight_decay, w, gradient);
}

Vars decayed(const Vars& grads, const Vars& params, const Var& weight_decay) {
  Vars all;
  for (std::size_t i = 0; i < params.size(); ++i) all.push_back(decayed(grads[i], params[i], weight_decay));
  return all;
}

Var inner(const Vars& a, const Vars& b) {
  Var total;
  for (std::size_t i = 0; i < a.size(); ++i) total = plus(total, dot(a[i], b[i]));
  return total;
}

Var squared_norm(const Vars& a) { return inner(a, a); }

Var one_norm(const Vars& a) {
  Var total;
  for (const Var& x : a) total = plus(total, sum(abs(x)));
  return total;
}

Vars difference(const Vars& a, const Vars& b) {
  Vars all;
  for (std::size_t i = 0; i < a.size(); ++i) all.push_back(a[i] - b[i]);
  return all;
}

Vars moved_by(const Vars& x, const Var& step, const Vars& direction) {
  Vars all;
  for (std::size_t i = 0; i < x.size(); ++i) all.push_back(axpy(step, direction[i], x[i]));
  return all;
}

Var larger(const Var& a, const Var& b) { return a.item() >= b.item() ? a : b; }
Var smaller(const Var& a, const Var& b) { return a.item() <= b.item() ? a : b; }
Var root(const Var& x) { return x.item() == 0 ? zeros_like(x) : sqrt(x); }

Tensor result_in(const Var& x) { return x.sole_owner() ? x.value() : Tensor(x.shape(), x.dtype()); }

}  // namespace glocal::optim

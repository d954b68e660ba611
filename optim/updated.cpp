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

Tensor result_in(const Var& x) { return x.sole_owner() ? x.value() : Tensor(x.shape(), x.dtype()); }

}  // namespace glocal::optim

#include <glocal/autodiff/var.h>

#include <memory>
#include <utility>

#include <glocal/core/error.h>
#include <glocal/core/recycle.h>
#include <glocal/core/tensor.h>

namespace glocal {

Var::Var(Tensor value) {
  if (!value) return;
  auto box = std::allocate_shared<Box>(Recycled<Box>());
  box->value = std::move(value);
  box_ = std::move(box);
}

const Tensor& Var::value() const {
  if (!box_) fail<TraceError>("[var] the symbolic zero has no value or shape; see instantiate()");
  const Box* box = box_.get();
  while (box->level > 0) box = box->primal.box();
  return box->value;
}

int Var::level() const { return box_ ? box_->level : 0; }

bool Var::sole_owner() const { return box_ && box_->level == 0 && box_.use_count() == 1 && box_->value.sole_owner(); }

Var stop_gradient(const Var& x) { return x ? Var(x.value()) : Var(); }
Var zeros_like(const Var& x) { return Tensor::zeros(x.shape(), x.dtype()); }
Var ones_like(const Var& x) { return Tensor::ones(x.shape(), x.dtype()); }
Var instantiate(const Var& x, const Var& like) { return x ? x : zeros_like(like); }

}  // namespace glocal

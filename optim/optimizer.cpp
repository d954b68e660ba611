#include <glocal/optim/optimizer.h>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/tensor.h>

namespace glocal::optim {

Vars initial_hyper(const Optimizer& optimizer, DType dtype) {
  Vars values;
  for (const HyperInfo& info : optimizer.hyper) values.push_back(Tensor::scalar(info.initial, dtype));
  return values;
}

}  // namespace glocal::optim

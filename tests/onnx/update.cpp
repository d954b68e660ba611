// Optimisers of ONNX (ai.onnx.preview.training) in ours. Their inputs: the learning rate R, the step number T, then all
// parameters, all gradients, and the lists of the state.
#include <cmath>

#include <glocal/optim/rules/adagrad.h>
#include <glocal/optim/rules/adam.h>
#include <glocal/optim/rules/sgd.h>

#include "call.h"

namespace onnx {

namespace {

struct Inputs {
  const Call& c;
  std::size_t count;  // of parameters

  Inputs(const Call& call, std::size_t lists) : c(call), count((call.in.size() - 2) / lists) {
    if (count == 0 || 2 + count * lists != call.in.size()) fail<DataError>("[onnx] {} lacks inputs", call.node.op);
    if (c.real("norm_coefficient_post", 0) != 0) refuse("no decay after the step");
  }
  Vars list(std::size_t which) const {
    Vars part;
    for (std::size_t i = 0; i < count; ++i) part.push_back(c.x(2 + which * count + i));
    return part;
  }
  Var lr() const { return reshape(c.x(0), Shape{}); }
  Var number(double value) const { return c.full({}, value); }
  Var decay() const { return number(c.real("norm_coefficient", 0)); }

  std::vector<Value> results(std::initializer_list<Vars> lists) const {
    std::vector<Value> out;
    for (const Vars& list : lists)
      for (const Var& x : list) out.push_back({c.any(2).type, x});
    return out;
  }
};

// R / (1 + decay_factor T)
std::vector<Value> adagrad_step(const Call& c) {
  const Inputs in(c, 3);
  const Var lr = in.lr() / (1 + c.real("decay_factor", 0) * c.number(1));
  const optim::AdagradHyper hyper{lr, in.number(c.real("epsilon", 0)), in.number(0), in.decay()};
  auto next = optim::adagrad(hyper, in.list(0), in.list(1), {in.list(2)});
  return in.results({next.params, next.state.square});
}

// ONNX: x -= r m / (sqrt(v) + eps), r = R sqrt(c2) / c1 with the corrections c1, c2 of m and v, and r = R for T = 0.
// Ours divides m and v by c1 and c2: the same with r c1 / sqrt(c2) as its learning rate and eps / sqrt(c2) as its eps.
std::vector<Value> adam_step(const Call& c) {
  const Inputs in(c, 4);
  const double alpha = c.real("alpha", 0.9), beta = c.real("beta", 0.999), T = c.number(1);
  const double t = std::max(1.0, T), c1 = 1 - std::pow(alpha, t), c2 = 1 - std::pow(beta, t);
  const Var lr = T > 0 ? in.lr() : in.lr() * (c1 / std::sqrt(c2));
  const optim::AdamHyper hyper{
      lr,           in.number(alpha), in.number(beta), in.number(c.real("epsilon", 1e-6) / std::sqrt(c2)),
      in.number(0), in.decay()};
  auto next = optim::adam(hyper, in.list(0), in.list(1), {in.list(2), in.list(3)}, static_cast<std::int64_t>(t));
  return in.results({next.params, next.state.m, next.state.v});
}

// ONNX: v = alpha v + b (g + norm x) with b = beta, and 1 at the first step; x -= R v, or by Nesterov x -= R (g + norm
// x
// + alpha v). Ours has no b: gradient and decay are scaled by it before.
std::vector<Value> momentum_step(const Call& c) {
  const Inputs in(c, 3);
  const bool nesterov = c.text("mode", "standard") == "nesterov";
  const double b = c.number(1) > 0 ? c.real("beta", 1) : 1;
  if (nesterov && b != 1) refuse("Nesterov's rule has no factor of its own for the gradient");
  Vars gradients = in.list(1);
  for (Var& g : gradients) g = scale(g, b);
  const optim::SgdHyper hyper{in.lr(), in.number(c.real("alpha", 0)), scale(in.decay(), b)};
  auto next = optim::sgd(hyper, in.list(0), gradients, {in.list(2)}, nesterov);
  return in.results({next.params, next.state.velocity});
}

}  // namespace

Table update_ops() { return {{"Adagrad", adagrad_step}, {"Adam", adam_step}, {"Momentum", momentum_step}}; }

}  // namespace onnx

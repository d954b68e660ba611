// A newcomer adds a layer. It is one struct: parameters, fields(), and what it computes. Nobody writes a derivative,
// and still the layer has all of them: forward, reverse, second order, and through whole training runs.
#include <fmt/core.h>

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/nn/layers/activation.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/layers/pool.h>
#include <glocal/nn/layers/sequential.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/summary.h>
#include <glocal/optim/rules/sgd.h>

using namespace glocal;

// ---- 1. The layer: channels look at the whole image and decide how open they are (Hu, Shen, Sun, CVPR 2018). ----

struct Gate {
  nn::Linear squeeze, excite;

  Gate(Key key, std::int64_t channels, std::int64_t inner, DType dtype = DType::f32)
      : squeeze(split(key, 0), channels, inner, dtype), excite(split(key, 1), inner, channels, dtype) {}

  auto fields() { return std::tie(squeeze, excite); }
  static constexpr std::array field_names{"squeeze", "excite"};

  Var operator()(const Var& x) const {  // (N, C, H, W) -> the same
    const Var open = sigmoid(excite(silu(squeeze(global_avg_pool(x)))));
    return x * reshape(open, {x.dim(0), x.dim(1), 1, 1});
  }
};

// ---- 2. A yardstick that knows nothing of derivatives: central differences along one direction. ----

template <Tree T>
T moved(const T& at, double step, const T& direction) {
  return map_leaves([step](const Var& a, const Var& d) { return a + step * d; }, at, direction);
}

template <class F, Tree T>
double difference(F f, const T& at, const T& direction, double h = 1e-5) {
  return (f(moved(at, h, direction)).item() - f(moved(at, -h, direction)).item()) / (2 * h);
}

template <Tree T>
Var inner_product(const T& a, const T& b) {
  const Vars u = flatten(a), v = flatten(b);
  Var sum = dot(u[0], v[0]);
  for (std::size_t i = 1; i < u.size(); ++i) sum = sum + dot(u[i], v[i]);
  return sum;
}

bool all_agree = true;

void compare(const char* what, double derivative, double yardstick) {
  const double error = std::abs(derivative - yardstick) / std::abs(yardstick);
  const bool agrees = error < 1e-6;
  all_agree = all_agree && agrees;
  fmt::print("  {:<46}{:>18.12f}   error {:.0e}  {}\n", what, derivative, error, agrees ? "ok" : "WRONG");
}

int main() {
  // ---- 3. Use it: a gate on four channels, a loss, a random direction in the space of all gates. ----
  const Gate gate(key(1), 4, 2, DType::f64);
  const Tensor images = normal(key(2), {8, 4, 5, 5}, 0, 1, DType::f64);
  const Tensor target = normal(key(3), {8, 4, 5, 5}, 0, 1, DType::f64);
  const auto loss = [&](const Gate& g) { return nn::mse(g(images), target); };
  std::uint64_t i = 0;
  const Gate v =
      map_leaves([&](const Var& w) { return normal(split(key(4), i++), w.shape(), 0, 1, DType::f64); }, gate);
  fmt::print("loss of the new layer: {:.12f}\n\nfirst order, along a random direction v\n", loss(gate).item());

  // ---- 4. First order. The gradient over a Gate is a Gate. ----
  const double slope = difference(loss, gate, v);
  const Gate gradient = grad(loss)(gate);
  compare("reverse mode   <grad loss, v>", inner_product(gradient, v).item(), slope);
  compare("forward mode   d loss (v)", jvp(loss, gate, v).second.item(), slope);

  // ---- 5. Second order, in every mixture of modes. ----
  const auto slope_at = [&](const Gate& g) { return inner_product(grad(loss)(g), v); };
  const double bend = difference(slope_at, gate, v);
  fmt::print("\nsecond order, v H v\n");
  compare("forward over reverse", inner_product(hvp(loss, gate, v), v).item(), bend);
  compare("reverse over reverse", inner_product(grad(slope_at)(gate), v).item(), bend);
  const auto forward_slope = [&](const Gate& g) { return jvp(loss, g, v).second; };
  compare("forward over forward", jvp(forward_slope, gate, v).second.item(), bend);
  compare("reverse over forward", inner_product(grad(forward_slope)(gate), v).item(), bend);

  // ---- 6. It works inside a model, and the model trains; the loss after training knows its learning rate. ----
  const nn::Sequential network(nn::Conv2d(key(5), 1, 4, 3, {}, DType::f64), Gate(key(6), 4, 2, DType::f64),
                               nn::GlobalAvgPool{}, nn::Linear(key(7), 4, 3, DType::f64));
  const nn::Model model = nn::erase("gated", network, {1, 6, 6}, 3);
  fmt::print("\n{}", nn::summary(model));
  const Tensor x = normal(key(8), {6, 1, 6, 6}, 0, 1, DType::f64);
  const Tensor labels = Tensor::from<std::int32_t>({0, 1, 2, 0, 1, 2}, {6});
  const auto training_loss = [&](const Vars& parameters) {
    nn::Pass pass;
    return nn::cross_entropy(model.forward(parameters, x, pass), labels);
  };
  const auto trained = [&](const Var& lr) {
    optim::Updated<optim::SgdState> now{model.parameters, optim::zero_state<optim::SgdState>(model.parameters)};
    for (int t = 0; t < 20; ++t) now = optim::sgd({lr}, now.params, grad(training_loss)(now.params), now.state);
    return training_loss(now.params);
  };
  const Var lr = Tensor::scalar(0.5, DType::f64), one = Tensor::scalar(1, DType::f64);
  fmt::print("\n20 steps of training: loss {:.6g} -> {:.6g}, and its derivative in the learning rate\n",
             training_loss(model.parameters).item(), trained(lr).item());
  compare("reverse mode through all 20 steps", grad(trained)(lr).item(), difference(trained, lr, one));
  compare("forward mode through all 20 steps", jvp(trained, lr, one).second.item(), difference(trained, lr, one));
  return all_agree ? 0 : 1;
}

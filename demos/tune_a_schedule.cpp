// Learning a learning-rate schedule. Five knots, straight lines between them in the logarithm of the learning rate, and
// the exact derivative of the validation loss after a whole training run with respect to each knot.
#include <fmt/core.h>

#include <cmath>
#include <string>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/hpo/space.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/loss.h>
#include <glocal/optim/schedule.h>

using namespace glocal;

struct Net {  // 8x8 digits -> 32 -> 10
  nn::Linear hidden, output;
  auto fields() { return std::tie(hidden, output); }
  Var operator()(const Var& x) const { return output(glocal::tanh(hidden(flatten_from(x, 1)))); }
};

// One run of training. The knots ride along in the state: what a step needs and we differentiate goes through it.
struct Run {
  Net net, velocity;
  Vars log_lr;
  auto fields() { return std::tie(net, velocity, log_lr); }
};

// The schedule at its knots, as numbers.
std::string shown(const Vars& log_lr) {
  std::string text;
  for (const Var& knot : log_lr) text += fmt::format(" {:8.4f}", std::exp(knot.item()));
  return text;
}

int main() {
  // 1. Data that comes with the library, in three parts; everything random from one key.
  const Key root = key(3);
  const datasets::Parts digits = datasets::load_parts("digits", 500, split(root, 0));
  const datasets::BatchOrder order(digits.train.size(), 16, split(root, 1));
  const datasets::Batch validation = digits.validation.all(DType::f64), test = digits.test.all(DType::f64);
  const Net start{{split(root, 2), 64, 32, DType::f64}, {split(root, 3), 32, 10, DType::f64}};

  // 2. One step of SGD with momentum, at the learning rate of step t.
  const std::int64_t T = 400;
  const auto step = [&](const Run& run, std::int64_t t) {
    const datasets::Batch batch = digits.train.batch(order(t), DType::f64);
    const auto loss = [&](const Net& net) { return nn::cross_entropy(net(batch.x), batch.y); };
    const Var lr = exp(optim::piecewise_linear(run.log_lr, T, t));
    const Net v =
        map_leaves([](const Var& old, const Var& g) { return 0.9 * old + g; }, run.velocity, grad(loss)(run.net));
    return Run{map_leaves([&](const Var& w, const Var& d) { return w - lr * d; }, run.net, v), v, run.log_lr};
  };

  // 3. The whole run as a function of the schedule. `scan` keeps sqrt(T) states and records the rest again on the way
  //    back, so memory stays small however long the run is.
  const auto trained = [&](const Vars& log_lr) {
    return scan(step, Run{start, map_leaves(zeros_like, start), log_lr}, T).net;
  };
  const auto validation_loss = [&](const Vars& log_lr) {
    return nn::cross_entropy(trained(log_lr)(validation.x), validation.y);
  };

  // 4. The outer loop, in the open: gradient through all T steps, one move of Adam on the knots, again.
  const Vars before(5, Tensor::scalar(std::log(0.01), DType::f64));
  Vars log_lr = before;
  hpo::MetaOptimizer adam{.name = "adam", .lr = 0.1};
  fmt::print("digits, 64-32-10 tanh network, SGD with momentum 0.9, {} steps\n\n", T);
  fmt::print("update   validation loss   learning rate at 0, 25, 50, 75, 100 % of the run\n");
  for (int update = 0; update < 40; ++update) {
    const auto [loss, gradient] = value_and_grad(validation_loss)(log_lr);
    if (update % 4 == 0) fmt::print("{:6}   {:15.4f}   {}\n", update, loss.item(), shown(log_lr));
    std::vector<double> u, h;
    for (std::size_t i = 0; i < log_lr.size(); ++i) u.push_back(log_lr[i].item()), h.push_back(gradient[i].item());
    log_lr = hpo::to_leaves(adam.step(u, h), log_lr);
  }

  // 5. What was learnt, judged on images that neither the weights nor the knots have seen, and against the yardstick it
  //    has to beat: the best constant learning rate.
  double lowest = HUGE_VAL;
  Vars constant;
  for (const double lr : {0.01, 0.02, 0.04, 0.08, 0.16}) {
    const Vars knots(5, Tensor::scalar(std::log(lr), DType::f64));
    const double loss = validation_loss(knots).item();
    if (loss < lowest) lowest = loss, constant = knots;
  }
  fmt::print("\n                validation loss   test loss   test accuracy   knots\n");
  const auto show = [&](const char* name, const Vars& knots) {
    const Net net = trained(knots);
    const auto loss_on = [&](const datasets::Batch& b) { return nn::cross_entropy(net(b.x), b.y).item(); };
    const double accuracy = 100 * nn::accuracy(net(test.x).value(), test.y);
    fmt::print("{:13} {:17.4f} {:11.4f} {:13.2f} %   {}\n", name, loss_on(validation), loss_on(test), accuracy,
               shown(knots));
  };
  show("before", before);
  show("learnt", log_lr);
  show("best constant", constant);
  fmt::print("\nThe {} validation images chose the knots, so their loss flatters them; test is the judge.\n",
             digits.validation.size());
  return 0;
}

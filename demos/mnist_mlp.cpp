// An MLP on MNIST, trained twice from the same poor start: once with its learning rate and momentum left alone, once
// with both tuned while it trains. One run of training is all that tuning takes.
//
//   mnist_mlp [data folder] [epochs] [local|glocal]
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include <glocal/autodiff/transforms.h>
#include <glocal/core/stopwatch.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/mlp.h>
#include <glocal/optim/rules/sgd.h>

using namespace glocal;

// The whole training state: what is not in here cannot carry a derivative from one step to the next.
struct State {
  nn::Mlp net;
  optim::SgdState sgd;
  Var loss;  // of the batch just seen, only to be printed
  auto fields() { return std::tie(net, sgd, loss); }
};

// An MLP without dropout needs nothing from the pass.
Var logits(const nn::Mlp& net, const Tensor& x) {
  nn::Pass pass;
  return net(x, pass);
}

int main(int argc, char** argv) try {
  const std::int64_t epochs = argc > 2 ? std::atoll(argv[2]) : 3;
  const std::string estimator = argc > 3 ? argv[3] : "local";
  if (epochs < 1 || argc > 4) {
    std::fputs("usage: mnist_mlp [data folder] [epochs] [local|glocal]\n", stderr);
    return 2;
  }

  // 1. Data in three parts: training moves the weights, validation moves the hyperparameters, test judges.
  datasets::Options options;
  if (argc > 1) options.data_dir = argv[1];
  const Key root = key(1);
  const datasets::Parts mnist = datasets::load_parts("mnist", 10000, split(root, 0), options);
  const datasets::BatchOrder order(mnist.train.size(), 128, split(root, 1));
  const datasets::BatchOrder validation_order(mnist.validation.size(), 512, split(root, 2));
  const datasets::Batch test = mnist.test.all();

  // 2. The hyperparameters, poor on purpose. They are searched as logarithm and logit: any step stays in range.
  hpo::Space space;
  space.add({.name = "lr", .initial = {0.003}, .transform = hpo::Transform::log});
  space.add({.name = "momentum", .initial = {0.5}, .transform = hpo::Transform::logit});

  // 3. Training as a pure function of state, hyperparameters and step number.
  hpo::Problem<State, Vars> problem;
  problem.init = [&](const Vars&) {
    const nn::Mlp net(split(root, 3), {784, 128, 10}, nn::make_activation("relu"));
    return State{net, optim::zero_state<optim::SgdState>(flatten(net)), Tensor::scalar(0)};
  };
  problem.step = [&](const State& s, const Vars& phi, std::int64_t t) {
    const datasets::Batch batch = mnist.train.batch(order(t));
    const auto loss_of = [&](const nn::Mlp& net) { return nn::cross_entropy(logits(net, batch.x), batch.y); };
    const auto [loss, gradient] = value_and_grad(loss_of)(s.net);
    const optim::SgdHyper hyper{.lr = space.value(0, phi[0]), .momentum = space.value(1, phi[1])};
    const auto next = optim::sgd(hyper, flatten(s.net), flatten(gradient), s.sgd);
    return State{unflatten(s.net, next.params), next.state, loss};
  };
  problem.outer = [&](const State& s, const Vars&, std::int64_t block) {
    const auto batch = mnist.validation.batch(validation_order(block));
    return nn::cross_entropy(logits(s.net, batch.x), batch.y);
  };

  // 4. `watch` sees every state on the way: one line per epoch.
  const Vars poor = space.initial(DType::f32);
  Vars phi = poor;  // where tuning stands
  const State like = problem.init(poor);
  hpo::FlatProblem flat = hpo::flat(problem, poor);
  const auto percent = [&](const Vars& leaves) {
    return 100 * nn::accuracy(logits(unflatten(like, leaves).net, test.x).value(), test.y);
  };
  double sum = 0;
  Stopwatch clock;
  flat.watch = [&](const Vars& leaves, std::int64_t t) {
    const std::int64_t steps = order.steps_per_epoch(), epoch = (t + 1) / steps;
    sum = (t % steps == 0 ? 0 : sum) + leaves.back().item();  // State's last field
    if ((t + 1) % steps != 0) return;
    fmt::print("{:5} {:12.4f} {:13.2f} % {:9.1f} {:10.4f} {:10.4f}\n", epoch, sum / static_cast<double>(steps),
               percent(leaves), clock.seconds(), space.values(phi)[0], space.values(phi)[1]);
    clock.restart();
  };

  // 5. Plain training, then the same with phi moved along an estimated hypergradient after every block of 50 steps.
  const std::int64_t T = epochs * order.steps_per_epoch();
  const char* head = "epoch   train loss   test accuracy   seconds         lr   momentum\n";
  fmt::print("{}, MLP 784-128-10, {} steps of SGD with momentum, batch 128\n\nplain\n{}", mnist.train.title, T, head);
  const hpo::TuneResult plain = hpo::train(flat, poor, T);

  fmt::print("\ntuned while training, estimator {}\n{}", estimator, head);
  hpo::TuneOptions tuning{.estimator = estimator, .estimator_options = {}, .meta = {.lr = 0.2}, .T = T};
  std::int64_t lost = 0;  // rejected forecasts: there glocal uses the local estimate
  clock.restart();
  const hpo::TuneResult tuned = hpo::tune(flat, poor, tuning, [&](const hpo::OuterUpdate& update) {
    phi = update.next_phi;
    lost += update.estimate.forecast && update.estimate.forecast->fell_back;
  });

  // 6. What was reached, and what it cost. A forecast (glocal) may point the wrong way; the numbers say.
  fmt::print("\nplain {:.2f} % in {:.1f} s, tuned {:.2f} % in {:.1f} s ({} updates, {} forecasts rejected)\n",
             percent(plain.s), plain.seconds, percent(tuned.s), tuned.seconds, tuned.updates, lost);
  return 0;
} catch (const Error& error) {  // missing or damaged files: the message says what was tried and what to do
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}

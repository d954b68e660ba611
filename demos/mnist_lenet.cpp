// LeNet-5 on MNIST or Fashion-MNIST: plain training, nothing tuned. What a training loop looks like here.
//
//   mnist_lenet [mnist|fashion-mnist] [epochs] [data folder]
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <glocal/autodiff/transforms.h>
#include <glocal/core/stopwatch.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/lenet.h>
#include <glocal/optim/rules/sgd.h>
#include <glocal/optim/schedule.h>

using namespace glocal;

// Share of the images that the network names right. In pieces, because 10,000 images at once need a lot of memory.
double test_accuracy(const nn::LeNet& net, const datasets::Dataset& data) {
  const std::int64_t piece = 500;
  double right = 0;
  for (std::int64_t begin = 0; begin < data.size(); begin += piece) {
    const datasets::Batch batch = data.range(begin, std::min(begin + piece, data.size()));
    right += nn::accuracy(net(batch.x).value(), batch.y) * static_cast<double>(batch.y.size());
  }
  return right / static_cast<double>(data.size());
}

int main(int argc, char** argv) try {
  const std::string name = argc > 1 ? argv[1] : "mnist";
  const std::int64_t epochs = argc > 2 ? std::atoll(argv[2]) : name == "mnist" ? 5 : 10;
  if (epochs < 1 || argc > 4) {
    std::fputs("usage: mnist_lenet [mnist|fashion-mnist] [epochs] [data folder]\n", stderr);
    return 2;
  }
  datasets::Options options;
  if (argc > 3) options.data_dir = argv[3];

  // 1. Data. Pixels stay bytes in memory; a batch is normalised when it is asked for.
  const datasets::Dataset train = datasets::load(name, datasets::Part::train, options);
  const datasets::Dataset test = datasets::load(name, datasets::Part::test, options);

  // 2. Everything random comes from one key, split once for each purpose: the same seed gives the same bits.
  const Key root = key(1);
  const datasets::BatchOrder order(train.size(), 64, split(root, 0));
  nn::LeNet net(split(root, 1), {train.channels, train.height, train.width}, train.classes);

  // 3. A network is a value. The optimiser takes parameters and gradients as flat lists and returns new ones.
  optim::SgdState state = optim::zero_state<optim::SgdState>(flatten(net));
  const Var first_lr = Tensor::scalar(0.05), last_lr = Tensor::scalar(0), momentum = Tensor::scalar(0.9);
  const Var weight_decay = Tensor::scalar(5e-4);
  const std::int64_t steps = epochs * order.steps_per_epoch();

  fmt::print("{}, LeNet-5, SGD with momentum 0.9, batch 64, learning rate 0.05 falling to 0 along a cosine\n\n",
             train.title);
  fmt::print("epoch   train loss   test accuracy   seconds\n");
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    const Stopwatch clock;
    double sum = 0;
    for (std::int64_t i = 0; i < order.steps_per_epoch(); ++i) {
      const std::int64_t t = epoch * order.steps_per_epoch() + i;
      const datasets::Batch batch = train.batch(order(t));

      // 4. The loss as a function of the network; its gradient has the shape of a network too.
      const auto loss = [&](const nn::LeNet& n) { return nn::cross_entropy(n(batch.x), batch.y); };
      const auto [value, gradient] = value_and_grad(loss)(net);
      sum += value.item();

      // 5. One step of the optimiser: values in, values out.
      const Var lr = optim::cosine(first_lr, last_lr, steps, t);
      auto next = optim::sgd({lr, momentum, weight_decay}, flatten(net), flatten(gradient), state);
      net = unflatten(net, next.params);
      state = std::move(next.state);
    }
    const double accuracy = test_accuracy(net, test);
    fmt::print("{:5}   {:10.4f}   {:11.2f} %   {:7.1f}\n", epoch + 1,
               sum / static_cast<double>(order.steps_per_epoch()), 100 * accuracy, clock.seconds());
    std::fflush(stdout);
  }
  return 0;
} catch (const Error& error) {  // missing or damaged files: the message says what was tried and what to do
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}

// ResNet-20 on CIFAR-10: a residual network with batch normalisation, whose running statistics are values like the
// rest. No augmentation (no crops, no flips): the curve shows plain training, and overfits when it is trained for long.
//
//   cifar_resnet [data folder] [epochs] [minutes]     it stops after the last epoch that fits into the minutes
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <glocal/autodiff/transforms.h>
#include <glocal/core/stopwatch.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/resnet.h>
#include <glocal/optim/rules/sgd.h>
#include <glocal/optim/schedule.h>

using namespace glocal;

// What training changes: the network, the optimiser's velocity, and the running mean and variance of each BatchNorm.
struct State {
  nn::ResNet net;
  optim::SgdState sgd;
  Vars stats;
};

double test_accuracy(const State& s, const datasets::Dataset& data) {
  const std::int64_t piece = 200;
  double right = 0;
  for (std::int64_t begin = 0; begin < data.size(); begin += piece) {
    const datasets::Batch batch = data.range(begin, std::min(begin + piece, data.size()));
    nn::Pass pass{.training = false, .stats = s.stats};  // normalise by the running statistics, not by the batch's
    right += nn::accuracy(s.net(batch.x, pass).value(), batch.y) * static_cast<double>(batch.y.size());
  }
  return right / static_cast<double>(data.size());
}

int main(int argc, char** argv) try {
  const std::int64_t epochs = argc > 2 ? std::atoll(argv[2]) : 10;
  const double minutes = argc > 3 ? std::atof(argv[3]) : 0;  // 0: no limit
  if (epochs < 1 || minutes < 0 || argc > 4) {
    std::fputs("usage: cifar_resnet [data folder] [epochs] [minutes]\n", stderr);
    return 2;
  }
  datasets::Options options;
  if (argc > 1) options.data_dir = argv[1];
  const datasets::Dataset train = datasets::load("cifar10", datasets::Part::train, options);
  const datasets::Dataset test = datasets::load("cifar10", datasets::Part::test, options);

  const Key root = key(1);
  const datasets::BatchOrder order(train.size(), 128, split(root, 0));
  const std::int64_t steps_per_epoch = order.steps_per_epoch(), steps = epochs * steps_per_epoch;
  State s;
  s.net = nn::ResNet(split(root, 1), 20, train.channels, train.classes);
  s.sgd = optim::zero_state<optim::SgdState>(flatten(s.net));

  const Var first_lr = Tensor::scalar(0.1), last_lr = Tensor::scalar(0), momentum = Tensor::scalar(0.9);
  const Var weight_decay = Tensor::scalar(1e-4);
  fmt::print("{}, ResNet-20, SGD with momentum 0.9, batch 128, no augmentation,\n", train.title);
  fmt::print("learning rate 0.1 falling to 0 along a cosine over {} epochs\n\n", epochs);
  fmt::print("epoch   train loss   test accuracy   seconds\n");

  double total = 0, longest = 0;  // seconds, so far and of the slowest epoch
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    if (minutes > 0 && total + longest > 60 * minutes) {
      fmt::print(
          "\nStopped after {} of {} epochs: another would not fit into {} minutes. The learning rate was still\n"
          "high; for a finished run ask for as many epochs as fit.\n",
          epoch, epochs, minutes);
      return 0;
    }
    const Stopwatch clock;
    double sum = 0;
    for (std::int64_t i = 0; i < steps_per_epoch; ++i) {
      const std::int64_t t = epoch * steps_per_epoch + i;
      const datasets::Batch batch = train.batch(order(t));

      // The pass carries running statistics in and out. They come back beside the loss, which alone is differentiated.
      const auto loss = [&](const nn::ResNet& net) {
        nn::Pass pass{.stats = s.stats};
        const Var value = nn::cross_entropy(net(batch.x, pass), batch.y);
        return std::pair<Var, Vars>(value, pass.updated);
      };
      const auto [value_and_stats, gradient] = value_and_grad(loss)(s.net);
      sum += value_and_stats.first.item();
      s.stats = value_and_stats.second;

      const Var lr = optim::cosine(first_lr, last_lr, steps, t);
      auto next = optim::sgd({lr, momentum, weight_decay}, flatten(s.net), flatten(gradient), s.sgd);
      s.net = unflatten(s.net, next.params);
      s.sgd = std::move(next.state);
    }
    const double accuracy = test_accuracy(s, test);
    const double seconds = clock.seconds();
    total += seconds;
    longest = std::max(longest, seconds);
    fmt::print("{:5}   {:10.4f}   {:11.2f} %   {:7.1f}\n", epoch + 1, sum / static_cast<double>(steps_per_epoch),
               100 * accuracy, seconds);
    std::fflush(stdout);
  }
  return 0;
} catch (const Error& error) {  // missing or damaged files: the message says what was tried and what to do
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}

// Residual networks on CIFAR-10 by a recipe: all settings of a training that is known to work, with schedules that are
// compressed to the epochs asked for. The same as `glocal train --recipe resnet20 --epochs 10`, as a program of its
// own.
//
//   cifar_resnet [data folder] [epochs] [recipe] [minutes]   recipe: resnet20, wrn28_2, fast
//
// It stops after the last epoch that fits into the minutes; 0 is no limit.
#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <glocal/core/stopwatch.h>
#include <glocal/train/data.h>
#include <glocal/train/experiment.h>
#include <glocal/train/recipes.h>

using namespace glocal;

int main(int argc, char** argv) try {
  const std::int64_t epochs = argc > 2 ? std::atoll(argv[2]) : 10;
  const double minutes = argc > 4 ? std::atof(argv[4]) : 0;
  if (epochs < 1 || minutes < 0 || argc > 5) {
    std::fputs("usage: cifar_resnet [data folder] [epochs] [recipe] [minutes]\n", stderr);
    return 2;
  }
  const train::Recipe& recipe = train::recipes().at(argc > 3 ? argv[3] : "resnet20");
  train::ExperimentConfig config;
  recipe.apply(config);
  if (argc > 1) config.data_dir = argv[1];
  const std::int64_t steps_per_epoch = train::training_images(config) / config.batch;
  config.steps = epochs * steps_per_epoch;
  const train::Experiment experiment(config);
  const hpo::FlatProblem& problem = experiment.problem();

  fmt::print("{}; {}; {} epochs of {} steps\n\n", experiment.title(), recipe.about, epochs, steps_per_epoch);
  fmt::print("epoch   train loss   test accuracy   seconds\n");

  // A step is a pure function of the state (parameters, running statistics, the optimiser's buffers, the last loss),
  // of the hyperparameters and of its number, which chooses the batch and how its images are augmented.
  const Vars phi = experiment.phi();  // nothing is tuned: no hyperparameter is free
  Vars s = problem.init(phi);
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
      s = problem.step(s, phi, epoch * steps_per_epoch + i);
      sum += train::Experiment::training_loss(s);
    }
    const train::Score test = experiment.evaluate(s, datasets::Part::test);
    const double seconds = clock.seconds();
    total += seconds;
    longest = std::max(longest, seconds);
    fmt::print("{:5}   {:10.4f}   {:11.2f} %   {:7.1f}\n", epoch + 1, sum / static_cast<double>(steps_per_epoch),
               100 * test.accuracy, seconds);
    std::fflush(stdout);
  }
  return 0;
} catch (const ValueError& error) {  // an unknown recipe
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
} catch (const Error& error) {  // missing or damaged files: the message says what was tried and what to do
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}

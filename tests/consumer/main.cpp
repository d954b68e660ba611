// A program outside the project: installed headers, linked library; an embedded digit through a layer and back, and a
// problem that is ready to be tuned.
#include <fmt/core.h>

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/version.h>
#include <glocal/datasets/load.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/train/experiment.h>

int main() {
  const glocal::datasets::Dataset digits = glocal::datasets::load("digits", glocal::datasets::Part::test);
  const glocal::nn::Linear layer(glocal::key(1), 64, 10, glocal::DType::f64);
  const auto squared = [&](const glocal::Var& x) {
    const glocal::Var y = layer(x);
    return glocal::sum(y * y);
  };
  const glocal::Var x = glocal::Tensor::full({1, 64}, 0.5, glocal::DType::f64);
  const glocal::Var slope = glocal::grad(squared)(x);

  // |W x + b|^2 is quadratic in x, so this central difference is exact up to rounding.
  glocal::Tensor up = x.value().clone();
  glocal::Tensor down = up.clone();
  up.data<double>()[7] += 0.5;
  down.data<double>()[7] -= 0.5;
  const double difference = squared(up).value().item() - squared(down).value().item();
  fmt::print("glocal {}: {} test digits, slope {}, difference {}\n", glocal::build_info().version, digits.size(),
             slope.value().at(7), difference);
  const glocal::train::Experiment experiment{glocal::train::ExperimentConfig{}};
  const auto start = experiment.problem().init(experiment.phi());
  const bool ready = experiment.first_non_finite(start).empty();
  return ready && digits.size() == 297 && std::abs(slope.value().at(7) - difference) < 1e-12 ? 0 : 1;
}

// Trains a small network on digits.
#include <cstdint>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>
#include <glocal/nn/loss.h>

#include "exercise.h"

using namespace glocal;

// Weights of 64 - hidden - 10: {w1 (64, H), b1 (H,), w2 (H, 10), b2 (10,)}.
inline Vars initial_weights(std::int64_t hidden) {
  return {normal(key(1), {64, hidden}, 0, 0.15), Tensor::zeros({hidden}, DType::f32),
          normal(key(2), {hidden, 10}, 0, 0.15), Tensor::zeros({10}, DType::f32)};
}

// x (N, 1, 8, 8) -> logits (N, 10): linear, relu, linear.
inline Var logits(const Vars& w, const Var& x) {
  // BEGIN SOLUTION
  return linear(relu(linear(flatten_from(x, 1), w[0], w[1])), w[2], w[3]);
  // END SOLUTION
}

// The batch of step t: data.batch(order(t)).
inline datasets::Batch batch_of(const datasets::Dataset& data, const datasets::BatchOrder& order, std::int64_t t) {
  // BEGIN SOLUTION
  return data.batch(order(t));
  // END SOLUTION
}

struct Trained {
  Vars w;
  std::vector<double> losses;  // of each step's batch, before the step
};

// T steps of plain stochastic gradient descent.
inline Trained train(const datasets::Dataset& data, const datasets::BatchOrder& order, Vars w, double lr,
                     std::int64_t T) {
  // BEGIN SOLUTION
  Trained result;
  for (std::int64_t t = 0; t < T; ++t) {
    const datasets::Batch batch = batch_of(data, order, t);
    const auto loss = [&](const Vars& v) { return nn::cross_entropy(logits(v, batch.x), batch.y); };
    const auto [value, gradient] = value_and_grad(loss)(w);
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = w[i] - lr * gradient[i];
    result.losses.push_back(value.item());
  }
  result.w = w;
  return result;
  // END SOLUTION
}

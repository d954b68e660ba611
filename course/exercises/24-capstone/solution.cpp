// A layer and an estimator of one's own, for the command `glocal compare`.
#include <algorithm>
#include <cstdint>
#include <tuple>

#include <glocal/autodiff/ops.h>
#include <glocal/core/random.h>
#include <glocal/hpo/estimators/cost.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/models/model.h>

#include "exercise.h"

using namespace glocal;

// y = (x A + a) * sigmoid(x B + b); x (N, in) -> (N, out).
struct Gated {
  Var A, a, B, b;

  Gated() = default;
  Gated(Key key, std::int64_t in, std::int64_t out, DType dtype = DType::f32) {
    const nn::Linear content(split(key, 0), in, out, dtype), gate(split(key, 1), in, out, dtype);
    A = content.weight, a = content.bias, B = gate.weight, b = gate.bias;
  }
  auto fields() { return std::tie(A, a, B, b); }
  static constexpr std::array field_names{"A", "a", "B", "b"};

  Var operator()(const Var& x) const {
    // BEGIN SOLUTION
    return linear(x, A, a) * sigmoid(linear(x, B, b));
    // END SOLUTION
  }
};

// Images (N, C, H, W) -> logits: a gated layer of 32, then a linear one.
struct GatedNetwork {
  Gated hidden;
  nn::Linear out;
  auto fields() { return std::tie(hidden, out); }
  static constexpr std::array field_names{"hidden", "out"};
  Var operator()(const Var& x) const { return out(hidden(flatten_from(x, 1))); }
};

inline nn::Model gated_model(Key key, const Shape& input, int classes, const nn::ModelOptions& options) {
  return nn::erase("gated",
                   GatedNetwork{Gated(split(key, 0), input.size(), 32, options.dtype),
                                nn::Linear(split(key, 1), 32, classes, options.dtype)},
                   input, classes);
}

// As `local`, with the mean of the last quarter of the trajectory for h_tau.
struct Averaged : hpo::Estimator {
  std::int64_t tau;
  explicit Averaged(std::int64_t block) : tau(block) {}
  const char* name() const override { return "averaged"; }
  bool from_start() const override { return false; }
  bool depends_on_init() const override { return false; }
  std::int64_t steps(const hpo::Progress& progress) const override { return progress.block_steps(tau); }
  // One tangent a hyperparameter through every block, and E differentiated after each step.
  hpo::Cost cost(const hpo::Probe& probe, std::int64_t T, std::int64_t) const override {
    return hpo::forward_cost(probe, T, tau, /*outers=*/tau);
  }
  std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t) const override {
    return hpo::forward_gradients(q, T, tau, /*outers=*/tau);
  }

  hpo::Estimate advance(const hpo::FlatProblem& problem, const Vars& phi, hpo::Progress& progress) override {
    // BEGIN SOLUTION
    const std::int64_t q = hpo::components(phi), block = steps(progress);
    if (!progress.block) progress.z = hpo::zero_tangents(q, progress.s.size());
    const hpo::ForwardRun run = hpo::run_forward(problem, phi, progress, block, /*trajectory=*/true);
    progress.z.clear();
    const std::int64_t last = std::max<std::int64_t>(1, block / 4);
    const Tensor h = mean(slice(run.trajectory, 0, block - last, block), {0}).value();
    return {{h.data<double>(), h.data<double>() + q}, run.outer, run.trajectory, {}};
    // END SOLUTION
  }
};

// One hypergradient, three exact ways and two cheap ones: how would the validation loss after T steps of training
// change with the learning rate that was used in every one of them?
#include <fmt/core.h>

#include <cmath>
#include <string>

#include <glocal/autodiff/ops.h>
#include <glocal/core/stopwatch.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/loss.h>

using namespace glocal;

// A model is a plain struct of its parameters: 8x8 digits -> 32 -> 10.
struct Net {
  nn::Linear hidden, output;
  auto fields() { return std::tie(hidden, output); }
  Var operator()(const Var& x) const { return output(glocal::tanh(hidden(flatten_from(x, 1)))); }
};

// Everything that a training step changes, and everything that we want to tune.
struct State {
  Net net, velocity;
  auto fields() { return std::tie(net, velocity); }
};
struct Hyper {
  Var log_lr;
  auto fields() { return std::tie(log_lr); }
};

// Prints one line of the table: value, error against the exact one, time.
template <class F>
void show(const char* name, double exact, F&& hypergradient) {
  const Stopwatch clock;
  const double h = hypergradient();
  const double milliseconds = 1e3 * clock.seconds();
  fmt::print("{:<44} {:+.10f}   {:8.1e} {:6.0f} ms   {}\n", name, h, std::abs(h - exact) / std::abs(exact),
             milliseconds, h * exact > 0 ? "" : "wrong sign");
}

int main() {
  // 1. Real data: the UCI handwritten digits, which come with the library.
  const Key root = key(7);
  const datasets::Parts digits = datasets::load_parts("digits", 300, split(root, 0));
  const datasets::BatchOrder order(digits.train.size(), 64, split(root, 1));
  const datasets::Batch validation = digits.validation.all(DType::f64);

  // 2. Training as a pure function: (state, hyperparameters, step number) -> state.
  hpo::Problem<State, Hyper> problem;
  problem.init = [&](const Hyper&) {
    const Net net{{split(root, 2), 64, 32, DType::f64}, {split(root, 3), 32, 10, DType::f64}};
    return State{net, map_leaves(zeros_like, net)};
  };
  problem.step = [&](const State& s, const Hyper& hyper, std::int64_t t) {
    const datasets::Batch batch = digits.train.batch(order(t), DType::f64);
    const auto loss = [&](const Net& net) { return nn::cross_entropy(net(batch.x), batch.y); };
    const Var lr = exp(hyper.log_lr);
    const Net g = grad(loss)(s.net);
    const Net v =
        map_leaves([](const Var& velocity, const Var& gradient) { return 0.9 * velocity + gradient; }, s.velocity, g);
    return State{map_leaves([&](const Var& w, const Var& velocity) { return w - lr * velocity; }, s.net, v), v};
  };
  problem.outer = [&](const State& s, const Hyper&, std::int64_t) {
    return nn::cross_entropy(s.net(validation.x), validation.y);
  };

  // 3. The hypergradient of T steps, at a learning rate that is too small on purpose.
  const std::int64_t T = 300;
  const Hyper hyper{Tensor::scalar(std::log(0.003), DType::f64)};
  const hpo::FlatProblem flat = hpo::flat(problem, hyper);
  const Vars phi = flatten(hyper);
  const auto trained = [&](double shift) {
    const Vars moved{Tensor::scalar(phi[0].item() + shift, DType::f64)};
    Vars s = flat.init(moved);
    for (std::int64_t t = 0; t < T; ++t) s = flat.step(s, moved, t);
    return flat.outer(s, moved, 0).item();
  };
  const auto block = [&](std::int64_t tau, bool whole_trajectory) {
    Vars s = flat.init(phi);
    return hpo::run_forward(flat, s, hpo::zero_tangents(1, s.size()), phi, 0, tau, whole_trajectory);
  };

  fmt::print("digits, 64-32-10 tanh network, SGD with momentum 0.9, lr 0.003, T = {} steps\n", T);
  fmt::print("validation loss {:.4g} before, {:.4g} after\n\n", flat.outer(flat.init(phi), phi, 0).item(), trained(0));
  fmt::print("dE / d log lr                                      value       error     time\n");
  const double exact = hpo::global_reverse(flat, phi, T).h[0];
  show("exact, reverse mode (unrolled)", exact, [&] { return hpo::global_reverse(flat, phi, T).h[0]; });
  show("exact, forward mode (one tangent)", exact, [&] { return hpo::global_forward(flat, phi, T).h[0]; });
  show("finite differences (two whole runs)", exact, [&] { return (trained(1e-4) - trained(-1e-4)) / 2e-4; });

  // 4. Two cheap ones from a short block: its own hypergradient, and the forecast of that to step T.
  for (const std::int64_t tau : {50, 100}) {
    const std::string steps = std::to_string(tau) + " steps";
    show(("local: " + steps + " only").c_str(), exact, [&] { return block(tau, false).h[0]; });
    std::string rejected;
    show(("glocal: " + steps + ", extrapolated").c_str(), exact, [&] {
      const hpo::ForwardRun run = block(tau, true);
      const hpo::Forecast forecast = hpo::glocal_forecast(run.trajectory, run.outers, /*t0=*/0, T);
      if (forecast.fell_back) rejected = forecast.ended;
      return forecast.value[0];
    });
    if (!rejected.empty()) fmt::print("    ({})\n", rejected);
  }
  fmt::print(
      "\nA negative sign says: a higher learning rate would have given a lower validation loss.\n"
      "The first three are exact and agree. A forecast is an estimate: look at its error before you trust it.\n");
  return 0;
}

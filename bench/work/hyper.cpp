// Hypergradients of the validation loss with respect to (log lr, momentum, weight decay), and plain training beside
// them: eight batches in turn, a ninth to validate, of 128 images of Fashion-MNIST, or for residual networks of 32
// random ones, so that what PyTorch stores of ten steps fits the memory of a small machine.
#include <fmt/format.h>

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/datasets/load.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/nn/loss.h>

#include "nets.h"
#include "row.h"

namespace glocal::bench {
namespace {

constexpr std::int64_t batches = 8;

std::int64_t batch_size(const nn::Model& model) { return model.input[0] == 3 ? 32 : 128; }

struct Tuning {
  hpo::FlatProblem problem;
  Vars phi;
  Row row;  // its problem is filled in, the rest is left to the row
};

Vars part(const Vars& list, std::size_t begin, std::size_t end) {
  return {list.begin() + std::ptrdiff_t(begin), list.begin() + std::ptrdiff_t(end)};
}

std::vector<datasets::Batch> batches_for(const nn::Model& model) {
  const std::int64_t N = batch_size(model);
  std::vector<std::int64_t> sizes{N};
  sizes.insert(sizes.end(), model.input.begin(), model.input.end());
  const Shape shape(sizes);
  std::vector<datasets::Batch> data;
  if (model.input[0] == 3) {
    std::vector<std::int32_t> labels;
    for (std::int64_t i = 0; i < N; ++i) labels.push_back(std::int32_t(i % model.classes));
    for (std::uint64_t i = 0; i <= batches; ++i)
      data.push_back({normal(split(key(2), i), shape), Tensor::from(labels, {N})});
    return data;
  }
  datasets::Dataset images = datasets::load("fashion-mnist", datasets::Part::train);
  images.mean = {0};
  images.stddev = {1};
  for (std::int64_t i = 0; i <= batches; ++i) {
    data.push_back(images.range(N * i, N * (i + 1)));
    data.back().x = data.back().x.reshape(shape);
  }
  return data;
}

// The state is (parameters, velocities). With q > 3 the log learning rate is the mean of q - 2 numbers; with q = 1 it
// is all there is to tune.
Tuning tuning(const Net& net, std::int64_t q = 3) {
  const std::vector<datasets::Batch> data = batches_for(net.model);

  // A rate at which 50 steps in f32 stay near those in exact numbers: LeNet's first fall of the loss is steep.
  const double lr = net.model.name == "mlp" ? 0.05 : 0.01;
  Tuning made;
  made.row.problem["lr"] = Tensor::scalar(lr);
  for (std::size_t i = 0; i < data.size(); ++i) {
    made.row.problem[fmt::format("x{}", i)] = data[i].x;
    made.row.problem[fmt::format("y{}", i)] = data[i].y;
  }
  add_parameters(made.row.problem, net.model.parameters);
  made.phi = {q > 3 ? Tensor::full({q - 2}, std::log(lr)) : Tensor::scalar(std::log(lr))};
  if (q > 1) made.phi.insert(made.phi.end(), {Tensor::scalar(0.9), Tensor::scalar(5e-4)});

  const nn::Model& model = net.model;
  const std::size_t count = model.parameters.size();
  const auto loss = [model](const Vars& weights, const datasets::Batch& batch) {
    nn::Pass pass;
    return nn::cross_entropy(model.forward(weights, batch.x, pass), batch.y);
  };
  made.problem.init = [model](const Vars&) {
    Vars s = model.parameters;
    for (const Var& w : model.parameters) s.push_back(zeros_like(w));
    return s;
  };
  made.problem.step = [loss, data, count](const Vars& s, const Vars& phi, std::int64_t t) {
    const Vars weights = part(s, 0, count);
    const auto of_batch = [&](const Vars& w) { return loss(w, data[std::size_t(t % batches)]); };
    const Var momentum = phi.size() > 1 ? phi[1] : Tensor::scalar(0.9);
    const Var decay = phi.size() > 1 ? phi[2] : Tensor::scalar(5e-4);
    const Var log_lr = phi[0].rank() == 0 ? phi[0] : mean(phi[0]);
    auto next =
        optim::sgd({exp(log_lr), momentum, decay}, weights, grad(of_batch)(weights), {part(s, count, s.size())});
    next.params.insert(next.params.end(), next.state.velocity.begin(), next.state.velocity.end());
    return next.params;
  };
  made.problem.outer = [loss, data, count](const Vars& s, const Vars&, std::int64_t) {
    return loss(part(s, 0, count), data.back());
  };
  return made;
}

Row plain(const Net& net, std::int64_t T) {
  Tuning tuned = tuning(net);
  const auto run = [problem = tuned.problem, phi = tuned.phi, T] {
    Vars s = problem.init(phi);
    for (std::int64_t t = 0; t < T; ++t) s = problem.step(s, phi, t);
    return problem.outer(s, phi, 0).item();
  };
  tuned.row.step = [run] { run(); };
  tuned.row.answer = [run] { return std::vector<double>{run()}; };
  const std::int64_t N = batch_size(net.model);
  tuned.row.gflop = double(T) * net.training_gflop(N) + double(N) * net.forward_gflop;
  return tuned.row;
}

Row global(const Net& net, std::int64_t T, hpo::Unroll unroll) {
  Tuning tuned = tuning(net);
  const auto run = [problem = tuned.problem, phi = tuned.phi, T, unroll] {
    return hpo::global_reverse(problem, phi, T, unroll);
  };
  tuned.row.step = [run] { run(); };
  tuned.row.answer = [run] {
    const hpo::Hypergradient result = run();
    std::vector<double> numbers = result.h;
    numbers.push_back(result.outer);
    return numbers;
  };
  // A long unroll is warmed up by a short one.
  tuned.row.warm_up = [problem = tuned.problem, phi = tuned.phi, T, unroll] {
    hpo::global_reverse(problem, phi, std::min<std::int64_t>(T, 10), unroll);
  };
  return tuned.row;
}

// One step of training that carries q tangents, and h after it.
Row forward(const Net& net, std::int64_t q) {
  Tuning tuned = tuning(net, q);
  struct Run {
    hpo::FlatProblem problem;
    Vars phi, s;
    hpo::Tangents z;
    std::int64_t t = 0;
    std::vector<double> h{};
    explicit Run(const Tuning& tuned)
        : problem(tuned.problem),
          phi(tuned.phi),
          s(problem.init(phi)),
          z(hpo::zero_tangents(hpo::components(phi), s.size())) {}
    void step() {
      hpo::ForwardRun next = hpo::run_forward(problem, std::move(s), std::move(z), phi, t++, 1, false);
      s = std::move(next.s);
      z = std::move(next.z);
      h = std::move(next.h);
    }
  };
  tuned.row.step = [run = std::make_shared<Run>(tuned)] { run->step(); };
  tuned.row.answer = [problem = tuned.problem, phi = tuned.phi] {
    Run fresh({problem, phi, {}});
    for (int t = 0; t < 10; ++t) fresh.step();
    return fresh.h;
  };
  return tuned.row;
}

// One outer update's estimate over a block of tau steps from the start of training; truncated looks back at all of
// them.
Row estimate(const Net& net, const std::string& estimator, std::int64_t tau, bool trajectory) {
  Tuning tuned = tuning(net);
  const auto run = [problem = tuned.problem, phi = tuned.phi, estimator, tau, trajectory] {
    hpo::Progress progress{.s = problem.init(phi), .z = {}, .T = 10 * tau};
    const hpo::EstimatorOptions options{.tau = tau, .K = tau, .trajectory = trajectory};
    return hpo::make_estimator(estimator, options)->advance(problem, phi, progress);
  };
  tuned.row.step = [run] { run(); };
  tuned.row.answer = [run] { return run().h; };
  return tuned.row;
}

}  // namespace

void add_hypergradients(Rows& rows) {
  const auto network = [](const std::string& name) { return name == "mlp" ? mlp({784, 128, 10}) : net(name); };
  const auto unrolls = [&](const std::string& name, const std::vector<std::int64_t>& lengths) {
    for (const std::int64_t T : lengths) {
      rows[fmt::format("plain/{}/T{}", name, T)] = [=] { return plain(network(name), T); };
      rows[fmt::format("global/{}/T{}/stored", name, T)] = [=] {
        return global(network(name), T, hpo::Unroll::stored);
      };
      rows[fmt::format("global/{}/T{}/checkpointed", name, T)] = [=] {
        return global(network(name), T, hpo::Unroll::checkpointed);
      };
    }
  };
  unrolls("mlp", {10, 50, 100, 200, 2000});
  unrolls("lenet", {10, 50});
  for (const std::string name : {"resnet20", "wrn28_2"}) {
    unrolls(name, {10, 50});
    for (const std::int64_t q : {1, 3})
      rows[fmt::format("forward/{}/q{}", name, q)] = [=] { return forward(network(name), q); };
    rows[fmt::format("truncated/{}/K10", name)] = [=] { return estimate(network(name), "truncated", 10, false); };
  }
  for (const std::int64_t q : {1, 3, 10}) {
    for (const std::string name : {"mlp", "lenet"})
      rows[fmt::format("forward/{}/q{}", name, q)] = [=] { return forward(network(name), q); };
  }
  for (const std::int64_t hidden : {256, 512, 1024})
    rows[fmt::format("forward/mlp_h{}/q3", hidden)] = [hidden] { return forward(mlp({784, hidden, 10}), 3); };
  const auto block = [=](const std::string& estimator, bool trajectory) {
    return estimate(network("mlp"), estimator, 100, trajectory);
  };
  rows["local/mlp/tau100"] = [=] { return block("local", true); };
  rows["local/mlp/tau100/end_only"] = [=] { return block("local", false); };
  rows["glocal/mlp/tau100"] = [=] { return block("glocal", true); };
}

}  // namespace glocal::bench

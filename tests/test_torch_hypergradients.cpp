// Exact hypergradients of whole runs against updates written out in PyTorch and differentiated there:
// tests/torch/hypergradients.npz.
#include <fmt/format.h>

#include <glocal/autodiff/transforms.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/loss.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>

#include "torch_goldens.h"

using namespace torch_goldens;

namespace {

constexpr std::int64_t classes = 3;

struct Data {
  Tensor x, labels;
};

// The two networks, over flat lists of parameters and running statistics.
struct Net {
  bool conv;
  Shape batch;
  std::vector<Shape> shapes;
  Vars stats;

  explicit Net(const std::string& name) : conv(name == "conv") {
    if (conv) {
      batch = {5, 2, 6, 6};
      shapes = {{4, 2, 3, 3}, {4}, {4}, {4, 4, 3, 3}, {4}, {4}, {4, classes}, {classes}};
      for (int i = 0; i < 4; ++i) stats.push_back(Tensor::full({4}, i % 2, DType::f64));
    } else {
      batch = {6, 5};
      shapes = {{5, 7}, {7}, {7, classes}, {classes}};
    }
  }

  Vars initial() const {
    Vars w;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      Tensor t =
          signed_numbers(static_cast<std::uint32_t>(2000 + i), shapes[i], DType::f64, shapes[i].rank() > 1 ? 0.5 : 0.1);
      for (std::int64_t j = 0; conv && (i == 1 || i == 4) && j < t.size(); ++j) t.data<double>()[j] += 1;
      w.push_back(t);
    }
    return w;
  }

  Data data(std::uint32_t seed) const {
    Data d{signed_numbers(seed, batch), Tensor(Shape{batch[0]}, DType::i32)};
    for (std::int64_t i = 0; i < batch[0]; ++i)
      d.labels.data<std::int32_t>()[i] =
          static_cast<std::int32_t>(word(seed + 500, static_cast<std::uint32_t>(i)) % classes);
    return d;
  }

  Var operator()(const Vars& p, const Var& x, nn::Pass& pass) const {
    if (!conv) return linear(tanh(linear(x, p[0], p[1])), p[2], p[3]);
    const auto norm = [&](const Var& y, const Var& weight, const Var& bias) {
      nn::BatchNorm layer(4, DType::f64);
      layer.weight = weight, layer.bias = bias;
      return layer(y, pass, /*relu=*/true);
    };
    Var y = max_pool2d(norm(conv2d(x, p[0], {.padding = {1, 1}}), p[1], p[2]));
    y = norm(conv2d(y, p[3]), p[4], p[5]);
    return linear(global_avg_pool(y), p[6], p[7]);
  }
};

// phi = the optimiser's numbers, then smoothing, three class weights, and the scale of the initial weights.
hpo::FlatProblem problem_of(const Net& net, const optim::Optimizer& optimizer) {
  const std::size_t n = net.shapes.size(), m = net.stats.size(), q = optimizer.hyper.size();
  const auto part = [](const Vars& v, std::size_t begin, std::size_t end) {
    return Vars(v.begin() + static_cast<std::ptrdiff_t>(begin), v.begin() + static_cast<std::ptrdiff_t>(end));
  };
  const auto appended = [](Vars a, const Vars& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  hpo::FlatProblem problem;
  problem.init = [=](const Vars& phi) {
    Vars w = net.initial();
    for (Var& v : w) v = scale_by(v, phi[q + 4]);
    return appended(appended(w, net.stats), optimizer.init(w));
  };
  problem.step = [=](const Vars& s, const Vars& phi, std::int64_t t) {
    const Data d = net.data(static_cast<std::uint32_t>(3000 + t));
    const Vars w = part(s, 0, n);
    const auto [result, grads] = value_and_grad([&](const Vars& p) {
      nn::Pass pass;
      pass.stats = part(s, n, n + m);
      const Var logits = net(p, d.x, pass);
      const Var loss = nn::cross_entropy(
          logits, d.labels, {.label_smoothing = phi[q], .class_weights = stack(part(phi, q + 1, q + 4), 0)});
      return std::pair(loss, pass.updated);
    })(w);
    const optim::Step next = optimizer.step(part(phi, 0, q), w, grads, part(s, n + m, s.size()), t + 1);
    return appended(appended(next.params, result.second), next.state);
  };
  problem.outer = [=](const Vars& s, const Vars&, std::int64_t) {
    const Data d = net.data(4000);
    nn::Pass pass;
    pass.training = false;
    pass.stats = part(s, n, n + m);
    return nn::cross_entropy(net(part(s, 0, n), d.x, pass), d.labels);
  };
  return problem;
}

// "net rule T=... lr=... ... scale=...": every run of one network, each number within 1e-10 of its own size.
void compare_runs(const std::string& net_name, bool forward) {
  const std::map<std::string, Tensor> file = load("hypergradients.npz");
  const Tensor& goldens = file.at("numbers");
  std::istringstream lines(text(file.at("cases")));
  double worst = 0, worst_outer = 0;
  std::int64_t at = 0;
  int runs = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::string name, rule, part;
    in >> name >> rule >> part;
    const std::int64_t T = std::stoll(part.substr(2));
    const optim::Optimizer optimizer = optim::make_optimizer(rule);
    Vars phi;
    std::vector<std::string> names;
    while (in >> part) {
      names.push_back(part.substr(0, part.find('=')));
      phi.push_back(Tensor::scalar(std::stod(part.substr(part.find('=') + 1)), DType::f64));
    }
    REQUIRE(phi.size() == optimizer.hyper.size() + 5);
    for (std::size_t i = 0; i < optimizer.hyper.size(); ++i) CHECK(names[i] == optimizer.hyper[i].name);
    const std::int64_t first = at;
    at += 1 + static_cast<std::int64_t>(phi.size());
    if (name != net_name) continue;
    ++runs;
    const hpo::FlatProblem problem = problem_of(Net(name), optimizer);
    const hpo::Hypergradient mine = forward ? global_forward(problem, phi, T) : global_reverse(problem, phi, T);
    worst_outer = std::max(worst_outer, std::abs(mine.outer / goldens.at(first) - 1));
    for (std::size_t i = 0; i < phi.size(); ++i) {
      const double golden = goldens.at(first + 1 + static_cast<std::int64_t>(i));
      INFO(name, " by ", rule, ": ", names[i], " ", mine.h[i], " against ", golden);
      const double error = std::abs(mine.h[i] - golden) / std::abs(golden);
      CHECK(error <= 1e-10);
      worst = std::max(worst, error);
    }
  }
  CHECK(at == goldens.size());
  CHECK(runs == 6);
  CHECK(worst_outer <= 1e-12);
  MESSAGE(
      fmt::format("{} by {} mode: {} optimisers, worst component of the hypergradient {:.1e}, worst outer loss {:.1e}",
                  net_name, forward ? "forward" : "reverse", runs, worst, worst_outer));
}

}  // namespace

TEST_SUITE_BEGIN("golden");

TEST_CASE("PyTorch: unrolled hypergradients of an MLP by reverse mode") { compare_runs("mlp", false); }
TEST_CASE("PyTorch: unrolled hypergradients of an MLP by forward mode") { compare_runs("mlp", true); }
TEST_CASE("PyTorch: unrolled hypergradients of a batch-normed network by reverse mode") { compare_runs("conv", false); }
TEST_CASE("PyTorch: unrolled hypergradients of a batch-normed network by forward mode") { compare_runs("conv", true); }

TEST_SUITE_END();

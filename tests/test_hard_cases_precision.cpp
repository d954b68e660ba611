// A hypergradient in f32 against the same one in f64: 100 steps of LeNet, one learning rate for each layer.
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/lenet.h>

#include "hard_cases.h"

using namespace glocal;
using namespace glocal::hard;

namespace {

struct State {
  nn::LeNet net, velocity;
  auto fields() { return std::tie(net, velocity); }
};
struct Hyper {
  std::vector<Var> log_lr;  // one for each weight and bias
  Var momentum, log_decay;
  auto fields() { return std::tie(log_lr, momentum, log_decay); }
};

// dE / dphi after T steps on digits, set in the middle of size x size images.
Numbers hypergradient(DType dtype, std::int64_t size, std::int64_t batch_size, std::int64_t T, double lr) {
  const Key root = key(5);
  const datasets::Parts digits = datasets::load_parts("digits", 300, split(root, 0));
  const datasets::BatchOrder order(digits.train.size(), batch_size, split(root, 1));
  const std::int64_t before = (size - 8) / 2, after = size - 8 - before;
  const auto framed = [=](const Tensor& x) { return pad(pad(x, 2, before, after), 3, before, after); };
  const datasets::Batch validation = digits.validation.batch(datasets::BatchOrder(300, 100, split(root, 2))(0), dtype);
  hpo::Problem<State, Hyper> problem;
  const nn::LeNet single(split(root, 3), {1, size, size}, 10);  // both precisions start from the same f32 numbers
  const nn::LeNet start = map_leaves([=](const Var& w) { return Var(w.value().to(dtype)); }, single);
  problem.init = [=](const Hyper&) { return State{start, map_leaves(zeros_like, start)}; };
  problem.step = [=](const State& s, const Hyper& hyper, std::int64_t t) {
    const datasets::Batch batch = digits.train.batch(order(t), dtype);
    const Var x = framed(batch.x);
    const auto loss = [&](const nn::LeNet& net) { return nn::cross_entropy(net(x), batch.y); };
    const Vars w = flatten(s.net), g = flatten(grad(loss)(s.net)), v = flatten(s.velocity);
    Vars w_next, v_next;
    for (std::size_t i = 0; i < w.size(); ++i) {
      v_next.push_back(hyper.momentum * v[i] + g[i] + exp(hyper.log_decay) * w[i]);
      w_next.push_back(w[i] - exp(hyper.log_lr[i]) * v_next[i]);
    }
    return State{unflatten(s.net, w_next), unflatten(s.net, v_next)};
  };
  problem.outer = [=](const State& s, const Hyper&, std::int64_t) {
    return nn::cross_entropy(s.net(framed(validation.x)), validation.y);
  };
  Hyper hyper{{}, Tensor::scalar(0.5, dtype), Tensor::scalar(std::log(1e-4), dtype)};
  for (std::size_t i = 0; i < flatten(start).size(); ++i) hyper.log_lr.push_back(Tensor::scalar(std::log(lr), dtype));
  return hpo::global_reverse(hpo::flat(problem, hyper), flatten(hyper), T).h;
}

double cosine(const Numbers& a, const Numbers& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
  return ab / std::sqrt(aa * bb);
}

}  // namespace

TEST_SUITE("slow") {
  // At a rate where training is stable; beyond the edge of stability rounding grows as fast as the weights do.
  TEST_CASE("hard case: the hypergradient of 100 LeNet steps in f32 is that of f64") {
    for (const auto& [size, batch, lr] : {std::tuple{28, 8, 0.02}, {12, 32, 0.1}}) {
      const Numbers single = hypergradient(DType::f32, size, batch, 100, lr),
                    twice = hypergradient(DType::f64, size, batch, 100, lr);
      const double c = cosine(single, twice);
      double worst = 0;
      for (std::size_t i = 0; i < single.size(); ++i)
        worst = std::max(worst, std::abs(single[i] - twice[i]) / std::abs(twice[i]));
      MESSAGE("lr " << lr << ", " << size << " x " << size << ", batch " << batch << ": cosine of f32 and f64 is 1 - "
                    << 1 - c << ", the worst of " << single.size() << " entries is off by " << worst);
      CHECK(c >= 0.9999);
      CHECK(worst <= 1e-2);
    }
  }
}

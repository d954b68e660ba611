// The C++ peer: training steps with libtorch, where the interpreter would otherwise be most of the time.
//
//   torch_step NAME --problem FILE [--threads k] [--seconds s] [--answer 0|1]
#include <torch/torch.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include <glocal/core/io/npy.h>

#include "work/timing.h"

namespace {

using Problem = std::map<std::string, glocal::Tensor>;

torch::Tensor to_torch(const glocal::Tensor& from) {
  std::vector<std::int64_t> shape(from.shape().begin(), from.shape().end());
  const bool whole = from.dtype() == glocal::DType::i32;
  const auto view = torch::from_blob(const_cast<void*>(from.raw()), shape, whole ? torch::kInt32 : torch::kFloat32);
  return whole ? view.to(torch::kInt64) : view.clone();
}

// Any of the networks: an MLP of Linear and ReLU, or LeNet. Weights come from the problem, (in, out) transposed.
torch::nn::Sequential network(const std::string& name, const Problem& problem) {
  namespace nn = torch::nn;
  nn::Sequential net;
  if (name.find("lenet") != std::string::npos) {
    const auto pool = nn::MaxPool2dOptions(2);
    net = nn::Sequential(nn::Conv2d(nn::Conv2dOptions(1, 6, 5).padding(2)), nn::ReLU(), nn::MaxPool2d(pool),
                         nn::Conv2d(nn::Conv2dOptions(6, 16, 5)), nn::ReLU(), nn::MaxPool2d(pool), nn::Flatten(),
                         nn::Linear(400, 120), nn::ReLU(), nn::Linear(120, 84), nn::ReLU(), nn::Linear(84, 10));
  } else {
    net->push_back(nn::Flatten());
    for (int i = 0; problem.count("p0" + std::to_string(i)) != 0; i += 2) {
      if (i > 0) net->push_back(nn::ReLU());
      const glocal::Tensor& weight = problem.at("p0" + std::to_string(i));
      net->push_back(nn::Linear(weight.dim(0), weight.dim(1)));
    }
  }
  torch::NoGradGuard no_grad;
  int i = 0;
  for (torch::Tensor& parameter : net->parameters()) {
    const std::string key = (i < 10 ? "p0" : "p") + std::to_string(i);
    const torch::Tensor value = to_torch(problem.at(key));
    parameter.copy_(value.dim() == 2 ? value.t() : value);
    ++i;
  }
  return net;
}

struct Trainer {
  torch::nn::Sequential net;
  torch::optim::SGD optimizer;
  torch::Tensor x, y;

  Trainer(const std::string& name, const Problem& problem)
      : net(network(name, problem)),
        optimizer(net->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9)),
        x(to_torch(problem.at("x"))),
        y(to_torch(problem.at("y"))) {}

  torch::Tensor step() {
    optimizer.zero_grad();
    torch::Tensor loss = torch::nn::functional::cross_entropy(net->forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  }
};

}  // namespace

int main(int argc, char** argv) try {
  const std::string name = argc > 1 ? argv[1] : "";
  std::string file;
  int threads = 1;
  double seconds = 1;
  bool answer = true;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--threads")) threads = std::atoi(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--answer")) answer = std::atoi(argv[i + 1]) != 0;
    if (!std::strcmp(argv[i], "--problem")) file = argv[i + 1];
  }
  torch::set_num_threads(threads);
  const Problem problem = glocal::load_npz(file);

  Trainer trainer(name, problem);
  const auto step = [&] { trainer.step(); };
  const glocal::bench::Timing timing = glocal::bench::measure(step, step, seconds);
  Trainer fresh(name, problem);
  std::vector<double> losses;
  for (int t = 0; answer && t < 6; ++t) losses.push_back(fresh.step().item<double>());
  fmt::print("{}\n", glocal::bench::to_json(name, threads, "libtorch", timing, 0, losses));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "torch_step: %s\n", error.what());
  return 1;
}

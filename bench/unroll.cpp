// Time and peak memory of the global hypergradient: stored against checkpointed unroll, and plain training beside them.
// MLP 784-128-10, batch 128, phi = (log lr, momentum, weight decay); arguments: T, rounds, threads.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/core/parallel.h>
#include <glocal/datasets/synthetic.h>
#include <glocal/hpo/global.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/model.h>
#include <glocal/optim/sgd.h>

using namespace glocal;

int main(int argc, char** argv) {
  const std::int64_t T = argc > 1 ? std::atoll(argv[1]) : 200;
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 5;
  if (argc > 3) set_threads(std::atoi(argv[3]));
  const nn::Model model = nn::make_model("mlp", key(1), {1, 28, 28}, 10);
  const datasets::Dataset images = datasets::synthetic(datasets::Part::train, 9 * 128, 1);
  std::vector<datasets::Batch> batches;
  for (std::int64_t i = 0; i < 9; ++i) batches.push_back(images.range(128 * i, 128 * (i + 1)));
  const std::size_t p = model.parameters.size();

  const auto loss = [&](const Vars& weights, const datasets::Batch& batch) {
    nn::Pass pass;
    return nn::cross_entropy(model.forward(weights, batch.x, pass), batch.y);
  };
  hpo::FlatProblem problem;
  problem.init = [&](const Vars&) {
    Vars s = model.parameters;
    for (const Var& w : model.parameters) s.push_back(zeros_like(w));
    return s;
  };
  problem.step = [&](const Vars& s, const Vars& phi, std::int64_t t) {
    const Vars weights(s.begin(), s.begin() + std::ptrdiff_t(p)), velocity(s.begin() + std::ptrdiff_t(p), s.end());
    const auto of_batch = [&](const Vars& w) { return loss(w, batches[static_cast<std::size_t>(t % 8)]); };
    auto next = optim::sgd({exp(phi[0]), phi[1], phi[2]}, weights, grad(of_batch)(weights), {velocity});
    next.params.insert(next.params.end(), next.state.velocity.begin(), next.state.velocity.end());
    return next.params;
  };
  problem.outer = [&](const Vars& s, const Vars&, std::int64_t) {
    return loss({s.begin(), s.begin() + std::ptrdiff_t(p)}, batches[8]);
  };
  const Vars phi{Tensor::scalar(std::log(0.05)), Tensor::scalar(0.9), Tensor::scalar(5e-4)};

  struct Row {
    const char* name;
    std::function<double()> run;
    std::vector<double> seconds{};
    double megabytes = 0;
  };
  std::vector<Row> rows;
  rows.push_back({"plain training", [&] {
                    Vars s = problem.init(phi);
                    for (std::int64_t t = 0; t < T; ++t) s = problem.step(s, phi, t);
                    return problem.outer(s, phi, 0).item();
                  }});
  rows.push_back({"global, stored", [&] { return hpo::global_reverse(problem, phi, T, hpo::Unroll::stored).h[0]; }});
  rows.push_back({"global, checkpointed", [&] { return hpo::global_reverse(problem, phi, T).h[0]; }});
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (Row& row : rows) {
      release_cached_memory();
      const double before = double(memory_use().live_bytes);
      reset_peak_memory();
      const auto start = std::chrono::steady_clock::now();
      row.run();
      row.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      row.megabytes = (double(memory_use().peak_bytes) - before) * 1e-6;
    }
  }
  std::printf("MLP 784-128-10, batch 128, T = %d, threads %d, %d interleaved rounds\n", int(T), threads(), repeats);
  std::printf("%-22s %10s %10s %12s %12s\n", "", "best ms", "median ms", "peak MB", "x training");
  double training = 0;
  for (Row& row : rows) {
    std::sort(row.seconds.begin(), row.seconds.end());
    if (training == 0) training = row.seconds[0];
    std::printf("%-22s %10.1f %10.1f %12.1f %12.2f\n", row.name, 1e3 * row.seconds[0],
                1e3 * row.seconds[row.seconds.size() / 2], row.megabytes, row.seconds[0] / training);
  }
  return 0;
}

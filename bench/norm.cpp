// Batch norm with relu at the three sizes of WRN-28-2, batch 128, on one thread; bytes/s count x and y once (forward),
// gy, x and gx once (backward).
#include <benchmark/benchmark.h>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/parallel.h>

using namespace glocal;

namespace {

struct Input {
  Var x, weight, bias;
  explicit Input(const benchmark::State& state)
      : x(normal(key(1), {128, state.range(0), state.range(1), state.range(1)}, 1, 2)),
        weight(Tensor::ones({state.range(0)})),
        bias(Tensor::zeros({state.range(0)})) {
    set_threads(1);
  }
};

void set_traffic(benchmark::State& state, const Var& x, std::int64_t passes) {
  state.SetBytesProcessed(state.iterations() * passes * x.value().bytes());
}

void batch_norm_relu(benchmark::State& state) {
  const Input in(state);
  for (auto _ : state) benchmark::DoNotOptimize(batch_norm(in.x, in.weight, in.bias, 1e-5, true).y);
  set_traffic(state, in.x, 2);
}

void batch_norm_relu_backward(benchmark::State& state) {
  const Input in(state);
  const auto f = [](const Vars& v) { return batch_norm(v[0], v[1], v[2], 1e-5, true).y; };
  const auto pullback = vjp(f, Vars{in.x, in.weight, in.bias}).second;
  const Var gy = normal(key(2), in.x.shape());
  for (auto _ : state) benchmark::DoNotOptimize(pullback(gy));
  set_traffic(state, in.x, 3);
}

void inference(benchmark::State& state) {
  const Input in(state);
  for (auto _ : state) benchmark::DoNotOptimize(channel_affine(in.x, in.weight, in.bias, true));
  set_traffic(state, in.x, 2);
}

// Sums of all channels: the gradient of a bias.
void channel_sums(benchmark::State& state) {
  const Input in(state);
  for (auto _ : state) benchmark::DoNotOptimize(sum(in.x, {0, 2, 3}));
  set_traffic(state, in.x, 1);
}

void image_means(benchmark::State& state) {
  const Input in(state);
  for (auto _ : state) benchmark::DoNotOptimize(global_avg_pool(in.x));
  set_traffic(state, in.x, 1);
}

void sizes(benchmark::internal::Benchmark* b) { b->Args({32, 32})->Args({64, 16})->Args({128, 8}); }
BENCHMARK(batch_norm_relu)->Apply(sizes);
BENCHMARK(batch_norm_relu_backward)->Apply(sizes);
BENCHMARK(inference)->Apply(sizes);
BENCHMARK(channel_sums)->Apply(sizes);
BENCHMARK(image_means)->Apply(sizes);

}  // namespace

// Single ops, forward, on one thread: dispatch of a tiny op, matrix products and convolutions of small networks.
#include <benchmark/benchmark.h>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/parallel.h>

using namespace glocal;

namespace {

void add_4x4(benchmark::State& state) {
  const Var a = normal(key(1), {4, 4}), b = normal(key(2), {4, 4});
  for (auto _ : state) benchmark::DoNotOptimize(add(a, b));
}
BENCHMARK(add_4x4);

void grad_of_tanh_4x4(benchmark::State& state) {
  const Var a = normal(key(1), {4, 4});
  const auto f = [](const Var& x) { return sum(glocal::tanh(x)); };
  for (auto _ : state) benchmark::DoNotOptimize(grad(f)(a));
}
BENCHMARK(grad_of_tanh_4x4);

// (M, K) x (K, N)
void matmul(benchmark::State& state) {
  set_threads(1);
  const std::int64_t M = state.range(0), K = state.range(1), N = state.range(2);
  const Var a = normal(key(1), {M, K}), b = normal(key(2), {K, N});
  for (auto _ : state) benchmark::DoNotOptimize(glocal::matmul(a, b));
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * double(M * K * N), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(matmul)->Args({128, 784, 128})->Args({128, 128, 10})->Args({1024, 1024, 1024});

// N = 128 images (C, H, H), O filters (C, k, k), padding p
void conv2d(benchmark::State& state) {
  set_threads(1);
  const std::int64_t C = state.range(0), H = state.range(1), O = state.range(2), k = state.range(3), p = state.range(4);
  const Var x = normal(key(1), {128, C, H, H}), w = normal(key(2), {O, C, k, k});
  const Conv2dSpec spec{.padding = {p, p}};
  double outputs = 0;
  for (auto _ : state) outputs = double(glocal::conv2d(x, w, spec).size());
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * outputs * double(C * k * k), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(conv2d)->Args({1, 28, 6, 5, 2})->Args({6, 14, 16, 5, 0})->Args({16, 32, 16, 3, 1})->Args({64, 8, 64, 3, 1});

}  // namespace

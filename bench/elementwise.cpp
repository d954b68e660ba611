// The kernels of elementwise formulas and of the optimiser updates on numbers that stay in the second-level cache, for
// each instruction set; the softmax family; and the loss of a training step with its gradient.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/parallel.h>
#include <glocal/core/simd/elementwise.h>
#include <glocal/core/simd/softmax.h>
#include <glocal/core/simd/update.h>
#include <glocal/core/simd/vector.h>
#include <glocal/nn/loss.h>

using namespace glocal;
using simd::Formula;

namespace {

constexpr std::int64_t n = 1 << 14;

std::vector<float> positive(std::uint64_t seed) {
  const Tensor x = uniform(key(seed), {n}, 0.01, 4);
  const auto numbers = x.span<float>();
  return {numbers.begin(), numbers.end()};
}

void per_number(benchmark::State& state, Isa set) {
  using benchmark::Counter;
  state.SetLabel(to_string(set));
  state.counters["s/number"] = Counter(double(n), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

void formula(benchmark::State& state, Formula f, Isa set) {
  const std::vector<float> a = positive(1), b = positive(2);
  std::vector<float> y(a.size());
  for (auto _ : state) {
    simd::elementwise_f32(set)[f](n, a.data(), b.data(), 0.1F, y.data());
    benchmark::ClobberMemory();
  }
  per_number(state, set);
}

void adam(benchmark::State& state, Isa set) {
  const std::vector<float> g = positive(1);
  std::vector<float> m = positive(2), v = positive(3), w = positive(4);
  const simd::AdamStep<float> step{1e-3F, 0.9F, 0.999F, 1, 1, 1e-8F, 1e-20F, 0};
  for (auto _ : state) {
    simd::update_f32(set).adam(n, step, g.data(), m.data(), v.data(), w.data(), m.data(), v.data(), w.data());
    benchmark::ClobberMemory();
  }
  per_number(state, set);
}

// rows x K logits
void cross_entropy_slope(benchmark::State& state, Isa set) {
  const std::int64_t rows = state.range(0), K = state.range(1);
  const Tensor x = normal(key(1), {rows, K}), p = uniform(key(2), {rows, K}), g = Tensor::ones({rows});
  Tensor y(x.shape());
  for (auto _ : state)
    simd::softmax_f32(set).cross_entropy_slope(rows, K, x.data<float>(), p.data<float>(), g.data<float>(),
                                               y.data<float>());
  state.SetLabel(to_string(set));
}

// Loss of N samples of 10 classes, and its gradient.
void loss_and_gradient(benchmark::State& state) {
  set_threads(1);
  const std::int64_t N = state.range(0);
  const Tensor labels = bernoulli(key(1), 0.5, {N}, DType::i32);
  const Var x = normal(key(2), {N, 10});
  auto step = value_and_grad([&](const Var& v) { return nn::cross_entropy(v, labels); });
  for (auto _ : state) benchmark::DoNotOptimize(step(x));
}
BENCHMARK(loss_and_gradient)->Arg(1)->Arg(128)->Arg(1024);

const bool registered = [] {
  for (const Isa set : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (set > isa()) continue;
    for (int k = 0; k < static_cast<int>(Formula::count); ++k) {
      const auto f = static_cast<Formula>(k);
      benchmark::RegisterBenchmark(name_of(f), formula, f, set);
    }
    benchmark::RegisterBenchmark("adam", adam, set);
    benchmark::RegisterBenchmark("cross_entropy_slope", cross_entropy_slope, set)
        ->Args({128, 10})
        ->Args({128, 100})
        ->Args({64, 1000});
  }
  return true;
}();

}  // namespace

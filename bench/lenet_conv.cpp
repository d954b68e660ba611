// The convolutions and poolings of a LeNet step on 28 x 28 images, one by one, on one thread; $GLOCAL_ISA chooses the
// instructions.
#include <benchmark/benchmark.h>

#include <vector>

#include <glocal/core/kernels/conv2d.h>
#include <glocal/core/kernels/pool.h>
#include <glocal/core/parallel.h>

using namespace glocal;
using namespace glocal::kernels;

namespace {

Conv2dSizes layer(std::int64_t number, std::int64_t N) {
  Conv2dSizes z =
      number == 1 ? Conv2dSizes{N, 1, 28, 28, 6, 5, 5, 28, 28} : Conv2dSizes{N, 6, 14, 14, 16, 5, 5, 10, 10};
  if (number == 1) z.padding = {2, 2};
  return z;
}

struct Buffers {
  std::vector<float> x, w, bias, y;
  explicit Buffers(const Conv2dSizes& z)
      : x(static_cast<std::size_t>(z.N * z.C * z.H * z.W), 0.5F),
        w(static_cast<std::size_t>(z.O * z.C * z.KH * z.KW), 0.25F),
        bias(static_cast<std::size_t>(z.O), 1.0F),
        y(static_cast<std::size_t>(z.N * z.O * z.OH * z.OW), 0.125F) {}
};

// Runs f(sizes, buffers) for layer range(0) and batch range(1).
template <class F>
void measure(benchmark::State& state, F f) {
  set_threads(1);
  const Conv2dSizes z = layer(state.range(0), state.range(1));
  Buffers b(z);
  for (auto _ : state) {
    f(z, b);
    benchmark::ClobberMemory();
  }
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * double(z.N * z.O * z.OH * z.OW * z.C * z.KH * z.KW),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void forward(benchmark::State& state) {
  measure(state, [](const Conv2dSizes& z, Buffers& b) {
    conv2d<float>(z, b.x.data(), b.w.data(), b.bias.data(), b.y.data());
  });
}
void input(benchmark::State& state) {
  measure(state, [](const Conv2dSizes& z, Buffers& b) { conv2d_input<float>(z, b.y.data(), b.w.data(), b.x.data()); });
}
void weight(benchmark::State& state) {
  measure(state, [](const Conv2dSizes& z, Buffers& b) { conv2d_weight<float>(z, b.x.data(), b.y.data(), b.w.data()); });
}
BENCHMARK(forward)->ArgsProduct({{1, 2}, {1, 32, 128}});
BENCHMARK(weight)->ArgsProduct({{1, 2}, {1, 32, 128}});
BENCHMARK(input)->ArgsProduct({{2}, {1, 32, 128}});

// N * C images of H x H pixels.
void max_pool(benchmark::State& state) {
  set_threads(1);
  const std::int64_t images = state.range(0), H = state.range(1);
  const Pool2dSizes z{images, H, H, H / 2, H / 2};
  const auto outputs = static_cast<std::size_t>(images * z.OH * z.OW);
  const std::vector<float> x(static_cast<std::size_t>(images * H * H), 0.5F);
  std::vector<float> y(outputs);
  std::vector<std::int32_t> index(outputs);
  for (auto _ : state) {
    max_pool2d<float>(z, x.data(), y.data(), index.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * images * (H * H * 4 + z.OH * z.OW * 8));
}
BENCHMARK(max_pool)->Args({128 * 6, 28})->Args({128 * 16, 10});

}  // namespace

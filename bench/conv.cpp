// 3x3 convolutions of residual and of small networks, stride 1, padding 1, batch 128, on one thread: the algorithm that
// the library chooses, and both tiles of Winograd's. GFLOP/s count the direct sum; onednn_conv.cpp has the peer.
#include <array>

#include <benchmark/benchmark.h>

#include <glocal/core/kernels/conv2d.h>
#include <glocal/core/kernels/conv2d_winograd.h>
#include <glocal/core/parallel.h>
#include <glocal/core/random.h>

using namespace glocal;

namespace {

enum Way { chosen = 0, tile_2 = 2, tile_4 = 4 };

struct Problem {
  kernels::Conv2dSizes z;
  Tensor x, weight, y;

  explicit Problem(const benchmark::State& state) {
    set_threads(1);
    const std::int64_t C = state.range(0), O = state.range(1), H = state.range(2);
    z = {.N = 128, .C = C, .H = H, .W = H, .O = O, .KH = 3, .KW = 3, .OH = H, .OW = H, .padding = {1, 1}};
    x = normal(key(1), {z.N, C, H, H});
    weight = normal(key(2), {O, C, 3, 3});
    y = normal(key(3), {z.N, O, H, H});
  }
  void report(benchmark::State& state) const {
    state.counters["GFLOP/s"] =
        benchmark::Counter(18e-9 * double(y.size() * z.C), benchmark::Counter::kIsIterationInvariantRate);
  }
};

template <Way way>
void forward(benchmark::State& state) {
  Problem p(state);
  const float *x = p.x.data<float>(), *weight = p.weight.data<float>();
  float* y = p.y.data<float>();
  for (auto _ : state)
    if constexpr (way == chosen)
      kernels::conv2d<float>(p.z, x, weight, nullptr, y);
    else
      kernels::winograd_conv2d(p.z, x, weight, nullptr, y, way);
  p.report(state);
}

template <Way way>
void input(benchmark::State& state) {
  Problem p(state);
  const float *gy = p.y.data<float>(), *weight = p.weight.data<float>();
  float* gx = p.x.data<float>();
  for (auto _ : state)
    if constexpr (way == chosen)
      kernels::conv2d_input(p.z, gy, weight, gx);
    else
      kernels::winograd_conv2d_input(p.z, gy, weight, gx, way);
  p.report(state);
}

template <Way way>
void weight(benchmark::State& state) {
  Problem p(state);
  const float *x = p.x.data<float>(), *gy = p.y.data<float>();
  float* gw = p.weight.data<float>();
  for (auto _ : state)
    if constexpr (way == chosen)
      kernels::conv2d_weight(p.z, x, gy, gw);
    else
      kernels::winograd_conv2d_weight(p.z, x, gy, gw, way);
  p.report(state);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"C", "O", "H"})->Unit(benchmark::kMillisecond)->MinTime(0.2);
  for (const auto& [C, O, H] : {std::array{16, 32, 32},
                                {32, 32, 32},
                                {64, 64, 16},
                                {128, 128, 8},
                                {32, 64, 16},
                                {64, 64, 8},
                                {16, 16, 32},
                                {32, 32, 16},
                                {3, 32, 32},
                                {8, 16, 32}})
    b->Args({C, O, H});
}

BENCHMARK(forward<chosen>)->Apply(shapes);
BENCHMARK(forward<tile_2>)->Apply(shapes);
BENCHMARK(forward<tile_4>)->Apply(shapes);
BENCHMARK(input<chosen>)->Apply(shapes);
BENCHMARK(input<tile_2>)->Apply(shapes);
BENCHMARK(input<tile_4>)->Apply(shapes);
BENCHMARK(weight<chosen>)->Apply(shapes);
BENCHMARK(weight<tile_2>)->Apply(shapes);
BENCHMARK(weight<tile_4>)->Apply(shapes);

}  // namespace

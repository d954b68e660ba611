// Products of small networks in f32, one thread: own kernels (or what blas::gemm chooses) beside the BLAS library.
#include <cblas.h>

#include <benchmark/benchmark.h>

#include <string>

#include <glocal/core/linalg/blas.h>
#include <glocal/core/random.h>

using namespace glocal;

namespace {

struct Case {
  std::int64_t m, n, k;
  bool ta, tb;
};

// Forward, weight gradient and input gradient of linear layers, tiles of convolutions, large squares.
constexpr Case cases[] = {
    {1, 128, 784, false, false},     {784, 128, 1, true, false},    {1, 400, 120, false, true},
    {32, 128, 784, false, false},    {784, 128, 32, true, false},   {32, 10, 128, false, false},
    {128, 128, 784, false, false},   {784, 128, 128, true, false},  {128, 10, 128, false, false},
    {128, 10, 128, true, false},     {128, 128, 10, false, true},   {1024, 128, 784, false, false},
    {784, 128, 1024, true, false},   {128, 300, 784, false, false}, {128, 120, 400, false, false},
    {400, 120, 128, true, false},    {128, 400, 120, false, true},  {16, 256, 150, false, false},
    {16, 150, 256, false, true},     {150, 256, 16, true, false},   {64, 256, 576, false, false},
    {64, 576, 256, false, true},     {576, 256, 64, true, false},   {512, 512, 512, false, false},
    {1024, 1024, 1024, false, false}};

template <class Gemm>
void product(benchmark::State& state, const Case& s, Gemm gemm) {
  const Tensor a = normal(key(1), {s.m * s.k}, 0, 1, DType::f32), b = normal(key(2), {s.k * s.n}, 0, 1, DType::f32);
  Tensor c({s.m * s.n}, DType::f32);
  const std::int64_t lda = s.ta ? s.m : s.k, ldb = s.tb ? s.k : s.n;
  for (auto _ : state) gemm(a.data<float>(), lda, b.data<float>(), ldb, c.data<float>());
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * static_cast<double>(s.m * s.n * s.k), benchmark::Counter::kIsIterationInvariantRate);
}

void own(benchmark::State& state, Case s) {
  product(state, s, [&](const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float* c) {
    blas::gemm<float>(s.ta, s.tb, s.m, s.n, s.k, 1, a, lda, b, ldb, 0, c, s.n);
  });
}

void library(benchmark::State& state, Case s) {
  blas::use_one_thread();
  const auto way = [](bool t) { return t ? CblasTrans : CblasNoTrans; };
  product(state, s, [&](const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float* c) {
    cblas_sgemm(CblasRowMajor, way(s.ta), way(s.tb), int(s.m), int(s.n), int(s.k), 1, a, int(lda), b, int(ldb), 0, c,
                int(s.n));
  });
}

const bool registered = [] {
  for (const Case& s : cases) {
    const std::string shape = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) + "_" +
                              (s.ta ? "t" : "n") + (s.tb ? "t" : "n");
    benchmark::RegisterBenchmark(("gemm/" + shape).c_str(), own, s);
    benchmark::RegisterBenchmark(("library/" + shape).c_str(), library, s);
  }
  return true;
}();

}  // namespace

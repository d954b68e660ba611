// The machine's limit: fused multiply-adds in registers, and nothing else, on k threads at once.
//
//   fma [--threads k] [--isa baseline|avx2|avx512] [--seconds s]
//
// prints {"isa", "threads", "gflops"}: the mean rate over s seconds of all threads together. Two threads that share a
// core give about what one gives.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/isa.h>
#include <glocal/core/stopwatch.h>

using namespace glocal;

namespace {

constexpr int chains = 12, rounds = 20000;

// Twelve independent chains a = a b + c hide the latency of the instruction and fit sixteen registers.
#define GLOCAL_CHAINS(name, bytes, target)                                           \
  target float name() {                                                              \
    typedef float V __attribute__((vector_size(bytes)));                             \
    const V b = V{} + 0.7F, c = V{} + 0.1F;                                          \
    V a[chains];                                                                     \
    _Pragma("GCC unroll 12") for (int k = 0; k < chains; ++k) a[k] = V{} + float(k); \
    for (int i = 0; i < rounds; ++i) {                                               \
      _Pragma("GCC unroll 12") for (int k = 0; k < chains; ++k) a[k] = a[k] * b + c; \
    }                                                                                \
    V sum{};                                                                         \
    _Pragma("GCC unroll 12") for (int k = 0; k < chains; ++k) sum += a[k];           \
    return sum[0];                                                                   \
  }

GLOCAL_CHAINS(chains_of_16_bytes, 16, )
#ifdef __x86_64__
GLOCAL_CHAINS(chains_of_32_bytes, 32, [[gnu::target("avx2,fma")]])
GLOCAL_CHAINS(chains_of_64_bytes, 64, [[gnu::target("avx512f")]])
#else
GLOCAL_CHAINS(chains_of_32_bytes, 32, )
GLOCAL_CHAINS(chains_of_64_bytes, 64, )
#endif

// GFLOP/s of one thread over `seconds`.
double rate(Isa set, double seconds) {
  float (*const run)() = set == Isa::baseline ? chains_of_16_bytes
                         : set == Isa::avx2   ? chains_of_32_bytes
                                              : chains_of_64_bytes;
  const int lanes = set == Isa::baseline ? 4 : set == Isa::avx2 ? 8 : 16;
  volatile float sink = 0;
  double calls = 0, elapsed = 0;
  for (const Stopwatch clock; elapsed < seconds; ++calls) {
    sink = run();
    elapsed = clock.seconds();
  }
  (void)sink;
  return 2e-9 * calls * lanes * chains * rounds / elapsed;
}

}  // namespace

int main(int argc, char** argv) try {
  int threads = 1;
  double seconds = 0.06;
  Isa set = isa();
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i], value = argv[i + 1];
    if (option == "--threads") threads = std::atoi(argv[i + 1]);
    if (option == "--seconds") seconds = std::atof(argv[i + 1]);
    if (option != "--isa") continue;
    if (value != "baseline" && value != "avx2" && value != "avx512") fail<ValueError>("[fma] no set \"{}\"", value);
    set = value == "baseline" ? Isa::baseline : value == "avx2" ? Isa::avx2 : Isa::avx512;
    if (set > isa()) fail<ValueError>("[fma] this machine has {} at most", to_string(isa()));
  }
  rate(set, 0.01);  // up to speed
  std::vector<double> rates(static_cast<std::size_t>(threads));
  std::vector<std::thread> team;
  for (double& one : rates) team.emplace_back([&one, set, seconds] { one = rate(set, seconds); });
  for (std::thread& one : team) one.join();
  double sum = 0;
  for (const double one : rates) sum += one;
  fmt::print(R"({{"isa": "{}", "threads": {}, "gflops": {:.1f}}})"
             "\n",
             to_string(set), threads, sum);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "fma: %s\n", error.what());
  return 1;
}

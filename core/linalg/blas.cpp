#include <glocal/core/linalg/blas.h>

#include <fmt/core.h>
#include <fmt/format.h>

#include <cstdint>
#include <mutex>
#include <string>

#include <glocal/core/parallel.h>
#include <glocal/core/simd/vector.h>

// Present in OpenBLAS only; weak, so that any other BLAS links too.
extern "C" {
__attribute__((weak)) void openblas_set_num_threads(int);
__attribute__((weak)) char* openblas_get_config(void);
__attribute__((weak)) int openblas_get_parallel(void);
}

namespace glocal::blas {
namespace {

constexpr std::int64_t vector_grain = 1 << 15;

}  // namespace

// Once per thread: OpenMP builds keep the number of threads per calling thread.
void use_one_thread() {
  thread_local bool done = false;
  if (done) return;
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  if (openblas_set_num_threads) openblas_set_num_threads(1);
  done = true;
}

std::string library() {
  if (!openblas_get_config) return "BLAS (unknown)";
  const int parallel = openblas_get_parallel ? openblas_get_parallel() : -1;
  const char* threading = parallel == 0 ? "serial" : parallel == 1 ? "pthread" : parallel == 2 ? "openmp" : "unknown";
  return fmt::format("{} (threads: {})", openblas_get_config(), threading);
}

template <class T>
double dot(std::int64_t n, const T* x, const T* y) {
  return parallel_sum(n, vector_grain, [=](std::int64_t begin, std::int64_t end) {
    return simd::vector<T>().dot(end - begin, x + begin, y + begin);
  });
}

template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y) {
  parallel_for(n, vector_grain, [=](std::int64_t begin, std::int64_t end) {
    simd::vector<T>().axpy(end - begin, alpha, x + begin, y + begin);
  });
}

template double dot<float>(std::int64_t, const float*, const float*);
template double dot<double>(std::int64_t, const double*, const double*);
template void axpy<float>(std::int64_t, float, const float*, float*);
template void axpy<double>(std::int64_t, double, const double*, double*);

}  // namespace glocal::blas

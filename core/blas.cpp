#include <glocal/core/blas.h>

#include <mutex>

#include <glocal/core/parallel.h>
#include <glocal/core/simd/vector.h>

// Present in OpenBLAS only; weak, so that any other BLAS links too.
extern "C" {
__attribute__((weak)) void openblas_set_num_threads(int);
__attribute__((weak)) char* openblas_get_config(void);
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

std::string library() { return openblas_get_config ? openblas_get_config() : "BLAS (unknown)"; }

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

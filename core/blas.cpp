#include <glocal/core/blas.h>

#include <cblas.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <mutex>
#include <string_view>

#include <glocal/core/error.h>
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
constexpr std::int64_t panel_work = 1 << 21;  // multiplications in a panel: below that a thread is not worth it
constexpr double most_panels = 16;

int to_int(std::string_view where, std::string_view name, std::int64_t value) {
  if (value < 0 || value > std::numeric_limits<int>::max())
    fail<ShapeError>("[{}] {} = {} is outside what BLAS takes, 0 to 2^31-1", where, name, value);
  return static_cast<int>(value);
}

int stride(std::string_view where, std::string_view name, std::int64_t value, std::int64_t row) {
  if (value < row) fail<ShapeError>("[{}] row stride {} = {} is below the row length {}", where, name, value, row);
  return std::max(to_int(where, name, value), 1);
}

CBLAS_TRANSPOSE transposed(bool t) { return t ? CblasTrans : CblasNoTrans; }

template <class T>
void scale(T beta, T* x, std::int64_t n) {
  if (beta == T{0})
    std::fill_n(x, n, T{0});
  else if (beta != T{1})
    std::for_each(x, x + n, [=](T& v) { v *= beta; });
}

std::int64_t panel_length(std::int64_t m, std::int64_t n, std::int64_t k) {
  const std::int64_t longer = std::max(m, n);
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const double panels = std::clamp(work / static_cast<double>(panel_work), 1.0, most_panels);
  // Each panel packs the other operand again: in panels of 64 that costs a tenth, of 128 a twentieth.
  const std::int64_t unit = longer < 512 ? 64 : 128;
  const auto length = static_cast<std::int64_t>(static_cast<double>(longer) / panels);
  return (std::max<std::int64_t>(length, 1) + unit - 1) / unit * unit;
}

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
void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a, std::int64_t lda,
          const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  const int im = to_int("gemm", "m", m), in = to_int("gemm", "n", n), ik = to_int("gemm", "k", k);
  const int ia = stride("gemm", "lda", lda, ta ? m : k), ib = stride("gemm", "ldb", ldb, tb ? k : n);
  const int ic = stride("gemm", "ldc", ldc, n);
  if (m == 0 || n == 0) return;
  if (k == 0) {
    for (std::int64_t i = 0; i < m; ++i) scale(beta, c + i * ldc, n);
    return;
  }
  use_one_thread();
  const auto op_a = transposed(ta), op_b = transposed(tb);
  if constexpr (std::same_as<T, float>)
    cblas_sgemm(CblasRowMajor, op_a, op_b, im, in, ik, alpha, a, ia, b, ib, beta, c, ic);
  else
    cblas_dgemm(CblasRowMajor, op_a, op_b, im, in, ik, alpha, a, ia, b, ib, beta, c, ic);
}

template <class T>
void gemm_parallel(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
                   std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  const std::int64_t length = panel_length(m, n, k);
  if (m < 0 || n < 0 || std::max(m, n) <= length) return gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  if (m >= n)
    parallel_for(m, length, [&](std::int64_t begin, std::int64_t end) {
      gemm(ta, tb, end - begin, n, k, alpha, a + (ta ? begin : begin * lda), lda, b, ldb, beta, c + begin * ldc, ldc);
    });
  else
    parallel_for(n, length, [&](std::int64_t begin, std::int64_t end) {
      gemm(ta, tb, m, end - begin, k, alpha, a, lda, b + (tb ? begin * ldb : begin), ldb, beta, c + begin, ldc);
    });
}

template <class T>
void gemv(bool ta, std::int64_t m, std::int64_t n, T alpha, const T* a, std::int64_t lda, const T* x, T beta, T* y) {
  const int im = to_int("gemv", "m", m), in = to_int("gemv", "n", n), ia = stride("gemv", "lda", lda, n);
  scale(beta, y, ta ? n : m);
  if (m == 0 || n == 0) return;
  use_one_thread();
  if constexpr (std::same_as<T, float>)
    cblas_sgemv(CblasRowMajor, transposed(ta), im, in, alpha, a, ia, x, 1, 1.0F, y, 1);
  else
    cblas_dgemv(CblasRowMajor, transposed(ta), im, in, alpha, a, ia, x, 1, 1.0, y, 1);
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

#define GLOCAL_INSTANTIATE(T)                                                                                      \
  template void gemm<T>(bool, bool, std::int64_t, std::int64_t, std::int64_t, T, const T*, std::int64_t, const T*, \
                        std::int64_t, T, T*, std::int64_t);                                                        \
  template void gemm_parallel<T>(bool, bool, std::int64_t, std::int64_t, std::int64_t, T, const T*, std::int64_t,  \
                                 const T*, std::int64_t, T, T*, std::int64_t);                                     \
  template void gemv<T>(bool, std::int64_t, std::int64_t, T, const T*, std::int64_t, const T*, T, T*);             \
  template double dot<T>(std::int64_t, const T*, const T*);                                                        \
  template void axpy<T>(std::int64_t, T, const T*, T*);
GLOCAL_INSTANTIATE(float)
GLOCAL_INSTANTIATE(double)
#undef GLOCAL_INSTANTIATE

}  // namespace glocal::blas

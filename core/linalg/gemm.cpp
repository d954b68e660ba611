// Dense products: which kernels, which panels, which thread.
#include <cblas.h>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string_view>

#include <glocal/core/error.h>
#include <glocal/core/isa.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/parallel.h>
#include <glocal/core/simd/gemm.h>

namespace glocal::blas {
namespace {

using simd::Product;

constexpr double library_work = 1 << 15;  // multiplications above which packing for the library pays
constexpr double panel_work = 1 << 21;    // multiplications in a panel: below that a thread is not worth it
constexpr double most_panels = 16;

void check_size(std::string_view where, std::string_view name, std::int64_t value) {
  if (value < 0 || value > std::numeric_limits<int>::max())
    fail<ShapeError>("[{}] {} = {} is outside what BLAS takes, 0 to 2^31-1", where, name, value);
}

void check_stride(std::string_view where, std::string_view name, std::int64_t value, std::int64_t row) {
  if (value < row) fail<ShapeError>("[{}] row stride {} = {} is below the row length {}", where, name, value, row);
  check_size(where, name, value);
}

template <class T>
Product<T> product(std::string_view where, bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
                   const T* a, std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  check_size(where, "m", m), check_size(where, "n", n), check_size(where, "k", k);
  check_stride(where, "lda", lda, ta ? m : k);
  check_stride(where, "ldb", ldb, tb ? k : n);
  check_stride(where, "ldc", ldc, n);
  return {m, n, k, a, ta ? 1 : lda, ta ? lda : 1, b, tb ? 1 : ldb, tb ? ldb : 1, alpha, beta, c, ldc};
}

double work(std::int64_t m, std::int64_t n, std::int64_t k) {
  return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

// Where our kernels have no better instructions than every machine, the library may: it looks for itself.
template <class T>
bool library_is_faster(const Product<T>& p) {
  return isa() == Isa::baseline && std::min({p.m, p.n, p.k}) >= 8 && work(p.m, p.n, p.k) >= library_work;
}

// Sizes and strides of at least 8, so a stride of 1 tells which way an operand is stored.
template <class T>
void run_library(const Product<T>& p) {
  use_one_thread();
  T beta = p.beta;
  if (p.bias) {
    for (std::int64_t i = 0; i < p.m; ++i) std::copy_n(p.bias, p.n, p.c + i * p.c_row);
    beta = 1;
  }
  const auto ta = p.a_col == 1 ? CblasNoTrans : CblasTrans, tb = p.b_col == 1 ? CblasNoTrans : CblasTrans;
  const auto call = [&](auto gemm) {
    const auto size = [](std::int64_t n) { return static_cast<int>(n); };
    gemm(CblasRowMajor, ta, tb, size(p.m), size(p.n), size(p.k), p.alpha, p.a, size(p.a_row * p.a_col), p.b,
         size(p.b_row * p.b_col), beta, p.c, size(p.c_row));
  };
  if constexpr (std::same_as<T, float>)
    call(cblas_sgemm);
  else
    call(cblas_dgemm);
  if (!p.relu) return;
  for (std::int64_t i = 0; i < p.m; ++i) std::for_each_n(p.c + i * p.c_row, p.n, [](T& y) { y = y < T(0) ? T(0) : y; });
}

struct Free {
  void operator()(void* p) const { std::free(p); }
};

// Room for packed operands, one block per thread; pages that no product has touched take no memory.
template <class T>
T* scratch() {
  thread_local std::unique_ptr<void, Free> block;
  if (!block) {
    const auto bytes = static_cast<std::size_t>(simd::gemm<T>().scratch_size) * sizeof(T);
    block.reset(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
    if (!block) fail<MemoryError>("[gemm] the system has no room for {} bytes of packed operands", bytes);
  }
  return static_cast<T*>(block.get());
}

template <class T>
void run(const Product<T>& p) {
  if (library_is_faster(p))
    run_library(p);
  else
    simd::gemm<T>().run(p, scratch<T>());
}

struct Panels {
  bool rows;  // of C, else columns
  std::int64_t length;
};

// A power of two of them, of one length, so that two or four threads end together. Rows leave B where it is while it
// fits the second cache; columns are cut where B must be packed in any case, each part once.
template <class T>
Panels panels(const Product<T>& p) {
  const auto wanted = static_cast<std::uint64_t>(std::clamp(work(p.m, p.n, p.k) / panel_work, 1.0, most_panels));
  const bool rows = (p.b_col == 1 || p.n < 128) && (p.m >= 64 || p.m >= p.n);
  const bool b_stays = work(p.n, p.k, sizeof(T)) < 1 << 20;
  const std::int64_t side = rows ? p.m : p.n, shortest = !rows ? 64 : b_stays ? 32 : 128, unit = rows ? 1 : 32;
  const auto count = std::min(std::bit_floor(wanted), std::bit_floor(static_cast<std::uint64_t>(side / shortest) | 1));
  const auto n = static_cast<std::int64_t>(count), length = (side + n - 1) / n;
  return {rows, (std::max<std::int64_t>(length, 1) + unit - 1) / unit * unit};
}

template <class T>
void run_parallel(const Product<T>& p) {
  const auto [rows, length] = panels(p);
  if ((rows ? p.m : p.n) <= length) return run(p);
  if (rows)
    parallel_for(p.m, length, [&](std::int64_t begin, std::int64_t end) {
      Product<T> part = p;
      part.m = end - begin, part.a += begin * p.a_row, part.c += begin * p.c_row;
      run(part);
    });
  else
    parallel_for(p.n, length, [&](std::int64_t begin, std::int64_t end) {
      Product<T> part = p;
      part.n = end - begin, part.b += begin * p.b_col, part.c += begin;
      if (p.bias) part.bias += begin;
      run(part);
    });
}

}  // namespace

template <class T>
void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a, std::int64_t lda,
          const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  run(product("gemm", ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc));
}

template <class T>
void gemm_parallel(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
                   std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  run_parallel(product("gemm_parallel", ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc));
}

template <class T>
void linear(std::int64_t m, std::int64_t n, std::int64_t k, const T* x, const T* w, const T* bias, bool relu, T* y) {
  Product<T> p = product("linear", false, false, m, n, k, T(1), x, k, w, n, T(0), y, n);
  p.bias = bias, p.relu = relu;
  run_parallel(p);
}

template <class T>
void gemv(bool ta, std::int64_t m, std::int64_t n, T alpha, const T* a, std::int64_t lda, const T* x, T beta, T* y) {
  check_stride("gemv", "lda", lda, n);
  run(product("gemv", ta, false, ta ? n : m, 1, ta ? m : n, alpha, a, lda, x, 1, beta, y, 1));
}

#define GLOCAL_INSTANTIATE(T)                                                                                      \
  template void gemm<T>(bool, bool, std::int64_t, std::int64_t, std::int64_t, T, const T*, std::int64_t, const T*, \
                        std::int64_t, T, T*, std::int64_t);                                                        \
  template void gemm_parallel<T>(bool, bool, std::int64_t, std::int64_t, std::int64_t, T, const T*, std::int64_t,  \
                                 const T*, std::int64_t, T, T*, std::int64_t);                                     \
  template void linear<T>(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, const T*, bool, T*);       \
  template void gemv<T>(bool, std::int64_t, std::int64_t, T, const T*, std::int64_t, const T*, T, T*);
GLOCAL_INSTANTIATE(float)
GLOCAL_INSTANTIATE(double)
#undef GLOCAL_INSTANTIATE

}  // namespace glocal::blas

// Dense kernels on row-major pointers, T in {float, double}. The BLAS library itself always runs on one thread.
// Products run in our own kernels with AVX2 and AVX-512; without them large ones go to the library.
#pragma once
#include <cstdint>
#include <string>

namespace glocal::blas {

/// C (m, n) := alpha op(A) op(B) + beta C with op(A) (m, k), op(B) (k, n); ta, tb: the operand is stored transposed.
/// lda, ldb, ldc are row strides in elements. beta = 0 overwrites C whatever it held; k = 0 only scales C.
/// Serial, made to be called inside parallel_for: packed operands live in 2.1 MB that each thread allocates once.
/// Throws ShapeError for a negative size, a stride below the row length, or anything above 2^31-1.
template <class T>
void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a, std::int64_t lda,
          const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);

/// As gemm, on all threads: C is cut into panels that depend on m, n, k, ta, tb alone. Same bits for any thread count;
/// not always the same bits as gemm.
template <class T>
void gemm_parallel(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
                   std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);

/// y (m, n) := x (m, k) w (k, n) + bias (n,), then y := 0 where y < 0 if relu; contiguous, bias may be null. NaN stays.
/// On all threads, each number of y written once: bits and errors as gemm_parallel with beta = 0.
template <class T>
void linear(std::int64_t m, std::int64_t n, std::int64_t k, const T* x, const T* w, const T* bias, bool relu, T* y);

/// y := alpha op(A) x + beta y with A stored (m, n), contiguous x and y; ta multiplies by A^T. Errors as gemm.
template <class T>
void gemv(bool ta, std::int64_t m, std::int64_t n, T alpha, const T* a, std::int64_t lda, const T* x, T beta, T* y);

/// Sum of x_i y_i, accumulated in double over a fixed tree (any thread count), and y := alpha x + y.
template <class T>
double dot(std::int64_t n, const T* x, const T* y);
template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y);

/// What the BLAS library says of itself ("OpenBLAS 0.3.21 ... Zen (threads: pthread)"; or openmp, serial), or
/// "BLAS (unknown)".
std::string library();

/// Keeps the BLAS library on the calling thread; every wrapper here and in lapack calls it first.
void use_one_thread();

}  // namespace glocal::blas

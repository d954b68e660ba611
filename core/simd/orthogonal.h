// Orthogonal transformations of small row-major f64 matrices, for one thread.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

struct OrthogonalKernels {
  /// Householder reflections from the left make `steps` <= min(m, n) of the columns of a (m, n) triangular: row k of
  /// the result is row k of R in the first `steps` rows, the rows below are what is left of the other columns. The
  /// columns are the first ones in order, or with `pivot` each time the one with the largest rest; they stay where they
  /// are, so that row k has zeros in the k columns chosen before it. work holds 2 m + 3 n numbers.
  void (*triangularize)(bool pivot, std::int64_t m, std::int64_t n, std::int64_t steps, double* a, std::int64_t lda,
                        double* work);
  /// Rotates pairs of the k rows of a (k, n) until all are orthogonal to rounding: one-sided Jacobi. squares (k,)
  /// becomes their squared lengths. Returns the number of sweeps, 0 when `limit` of them were not enough.
  int (*orthogonalize)(std::int64_t k, std::int64_t n, double* a, std::int64_t lda, double* squares, int limit);
  /// C (m, n) := A (m, k) B (k, n), a row after the other: A may be made of earlier rows of C, and its rows may
  /// overlap.
  void (*product)(std::int64_t m, std::int64_t n, std::int64_t k, const double* a, std::int64_t lda, const double* b,
                  double* c, std::int64_t ldc);
};

GLOCAL_KERNELS(OrthogonalKernels, orthogonal)

}  // namespace glocal::simd

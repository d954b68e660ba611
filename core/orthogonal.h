// Singular vectors and least squares by orthogonal transformations in our own kernels: for f64 matrices that fit the
// cache, several times faster than LAPACK. Row-major, one thread.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/core/tensor.h>

namespace glocal::orthogonal {

struct LeftSvd {
  Tensor ut;              ///< (K, N): row k is the left singular vector u_k; arbitrary where s_k = 0
  std::vector<double> s;  ///< (K,), descending
};
/// X = U diag(s) V^T without V, of X (N, M) given as its transpose: M rows of N numbers, `stride` apart; they may
/// overlap, as those of a Hankel matrix do. K = min(M, N). Pivoted QR, then one-sided Jacobi up to 128 rows, gesdd
/// above. Throws NumericError for NaN or Inf.
LeftSvd left_svd(const double* rows, std::int64_t m, std::int64_t n, std::int64_t stride);

struct LeastSquares {
  Tensor x;              ///< (N, R)
  double residual = 0;   ///< ||A x - B||_F
  double condition = 0;  ///< Frobenius ||A|| ||A^+||; infinite when A is singular; x is of use only well below 1 / eps
};
/// Least ||A x - B|| for [A B] (M, N + R), M >= N, which is overwritten: by Householder QR without pivoting.
/// Throws NumericError for NaN or Inf.
LeastSquares least_squares(Tensor& ab, std::int64_t n);

}  // namespace glocal::orthogonal

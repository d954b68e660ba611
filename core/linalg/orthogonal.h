// Singular vectors and least squares by orthogonal transformations in our own kernels, for f64 matrices that fit the
// cache; above, LAPACK. A whole DMD fit by them takes a third of the time of one by LAPACK's SVD (docs/performance.md,
// row "DMD, tau 100"). Row-major, one thread.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/core/tensor.h>

namespace glocal::orthogonal {

/// R of a matrix X (M, N) that is given row by row and never whole: R^T R = X^T X. Memory O(N (N + min(M, 4 N))).
class RowQr {
 public:
  RowQr(std::int64_t m, std::int64_t n);
  /// Where to write the n numbers of the next row. Their squares must neither overflow nor underflow.
  double* next_row();
  /// Row k of R, k < rows(), after the last of X: N numbers, `stride` apart. Columns are not in the order of a
  /// triangle.
  double* r();
  std::int64_t rows() const { return done_; }
  std::int64_t stride() const { return width_; }

 private:
  void fold();
  std::int64_t n_, width_, done_ = 0, height_ = 0;  // rows of R, and those with the rows below that wait
  Tensor rows_, work_;
};

struct LeftSvd {
  Tensor ut;              ///< (K, N): row k is the left singular vector u_k; arbitrary where s_k = 0
  std::vector<double> s;  ///< (K,), descending
};
/// X = U diag(s) V^T without V, of X (N, M) given as its transpose: M rows of N numbers, `stride` apart; they may
/// overlap, as those of a Hankel matrix do. K = min(M, N). Pivoted QR, then one-sided Jacobi up to 128 rows, gejsv
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

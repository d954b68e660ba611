// Factorisations of f64 matrices, row-major (M, N). Every function throws NumericError, naming the routine, for NaN or
// Inf in its input or when LAPACK does not converge; ShapeError for a wrong rank or size; DTypeError unless f64.
#pragma once
#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/core/tensor.h>

namespace glocal::lapack {

/// A complex matrix, row-major.
struct CMatrix {
  std::int64_t rows = 0, cols = 0;
  std::vector<std::complex<double>> numbers;

  CMatrix() = default;
  CMatrix(std::int64_t rows, std::int64_t cols);  ///< zeros; throws ShapeError for a negative size
  std::complex<double>& operator()(std::int64_t i, std::int64_t j) {
    return numbers[static_cast<std::size_t>(i * cols + j)];
  }
  std::complex<double> operator()(std::int64_t i, std::int64_t j) const {
    return numbers[static_cast<std::size_t>(i * cols + j)];
  }
};

struct Svd {
  Tensor u;   ///< (M, K), K = min(M, N)
  Tensor s;   ///< (K,), descending
  Tensor vt;  ///< (K, N)
};
/// a = u diag(s) vt, by gejsv: Jacobi rotations, which keep the digits of small singular values where rows or columns
/// differ in scale. Two to three times the time of gesdd.
Svd svd(const Tensor& a);

struct LeastSquares {
  Tensor x;                ///< (N,) or (N, R) as b is (M,) or (M, R): least |a x - b|, of all those the least |x|
  std::int64_t rank = 0;   ///< numerical rank of a
  Tensor singular_values;  ///< (min(M, N),), descending; empty from lstsq_qr
};
/// Singular values below rcond times the largest count as zero; rcond < 0 means max(M, N) eps.
LeastSquares lstsq(const Tensor& a, const Tensor& b, double rcond = -1);     ///< by gelsd (SVD)
LeastSquares lstsq_qr(const Tensor& a, const Tensor& b, double rcond = -1);  ///< by gelsy (pivoted QR)

struct ComplexLeastSquares {
  CMatrix x;  ///< (N, R)
  std::int64_t rank = 0;
  std::vector<double> singular_values;
};
ComplexLeastSquares lstsq(const CMatrix& a, const CMatrix& b, double rcond = -1);  ///< by zgelsd

struct Eig {
  std::vector<std::complex<double>> values;  ///< pairs lambda, conj(lambda) stand side by side
  CMatrix vectors;                           ///< right: a v_j = lambda_j v_j, column j, length 1
  CMatrix left;                              ///< left: u_j^H a = lambda_j u_j^H, column j, length 1
};
Eig eig(const Tensor& a);  ///< of a square matrix, by geev

struct Qr {
  Tensor q;  ///< (M, K), orthonormal columns, K = min(M, N)
  Tensor r;  ///< (K, N), upper triangular
};
Qr qr(const Tensor& a);  ///< by geqrf and orgqr

/// Lower L with a = L L^T, by potrf; reads the lower triangle. NumericError when a is not positive definite.
Tensor cholesky(const Tensor& a);
/// Solves L L^T x = b for b (N,) or (N, R), by potrs.
Tensor cholesky_solve(const Tensor& l, const Tensor& b);

}  // namespace glocal::lapack

// DMD by least squares.
#include <algorithm>
#include <complex>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/core/linalg/lapack.h>

#include "exercise.h"

using namespace glocal;

// A_r = U_r^T Y V_r S_r^-1, (r, r), from X and Y (m, L). lapack::svd gives u (m, k), s (k,), vt (k, L).
inline Tensor operator_of(const Tensor& X, const Tensor& Y, std::int64_t r) {
  // BEGIN SOLUTION
  const lapack::Svd svd = lapack::svd(X);
  const Var u = slice(svd.u, 1, 0, r), s = slice(svd.s, 0, 0, r), vt = slice(svd.vt, 0, 0, r);
  return (matmul(matmul(u, Y, true, false), vt, false, true) / s).value();
  // END SOLUTION
}

// The eigenvalues of A_r, largest size first (lapack::eig).
inline std::vector<std::complex<double>> spectrum(const Tensor& X, const Tensor& Y, std::int64_t r) {
  // BEGIN SOLUTION
  auto values = lapack::eig(operator_of(X, Y, r)).values;
  std::sort(values.begin(), values.end(), [](auto a, auto b) { return std::abs(a) > std::abs(b); });
  return values;
  // END SOLUTION
}

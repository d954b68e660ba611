// Delay embedding of a series.
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/core/linalg/lapack.h>

#include "exercise.h"

using namespace glocal;

// (X, Y), each (m, L) with L = tau - m: X_ij = h_{i+j}, Y_ij = h_{i+j+1}.
inline std::pair<Tensor, Tensor> hankel(const std::vector<double>& h, std::int64_t m) {
  // BEGIN SOLUTION
  const std::int64_t L = static_cast<std::int64_t>(h.size()) - m;
  Tensor X({m, L}, DType::f64), Y({m, L}, DType::f64);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < L; ++j) {
      X.data<double>()[i * L + j] = h[static_cast<std::size_t>(i + j)];
      Y.data<double>()[i * L + j] = h[static_cast<std::size_t>(i + j + 1)];
    }
  return {X, Y};
  // END SOLUTION
}

// The number of singular values (lapack::svd(X).s, descending) above `tolerance` times the largest.
inline int rank_of(const Tensor& X, double tolerance) {
  // BEGIN SOLUTION
  const Tensor s = lapack::svd(X).s;
  int rank = 0;
  while (rank < s.size() && s.data<double>()[rank] > tolerance * s.data<double>()[0]) ++rank;
  return rank;
  // END SOLUTION
}

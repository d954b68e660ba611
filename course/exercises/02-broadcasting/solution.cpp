// Broadcasting and its adjoint.
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <glocal/autodiff/ops.h>

#include "exercise.h"

using Sizes = std::vector<std::int64_t>;

// The shape of a + b. Throws std::invalid_argument when the shapes do not fit.
inline Sizes broadcast_shape(Sizes a, Sizes b) {
  // BEGIN SOLUTION
  const std::size_t rank = std::max(a.size(), b.size());
  a.insert(a.begin(), rank - a.size(), 1);
  b.insert(b.begin(), rank - b.size(), 1);
  Sizes shape(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    if (a[i] != b[i] && a[i] != 1 && b[i] != 1) throw std::invalid_argument("shapes do not fit");
    shape[i] = a[i] == 1 ? b[i] : a[i];
  }
  return shape;
  // END SOLUTION
}

// gy has `rows` rows of `columns` numbers; x had `x_rows` rows (that many, or 1) and `x_columns` columns (likewise).
// Returns gx: gy summed over the copies of each element of x.
inline std::vector<double> sum_to(const std::vector<double>& gy, std::size_t rows, std::size_t columns,
                                  std::size_t x_rows, std::size_t x_columns) {
  // BEGIN SOLUTION
  std::vector<double> gx(x_rows * x_columns, 0.0);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      gx[(x_rows == 1 ? 0 : i) * x_columns + (x_columns == 1 ? 0 : j)] += gy[i * columns + j];
  return gx;
  // END SOLUTION
}

// x (N,), k (K,) -> the table (N, K) of x_i to the power k_j, by reshape and pow alone (glocal/autodiff/ops.h).
inline glocal::Var powers(const glocal::Var& x, const glocal::Var& k) {
  // BEGIN SOLUTION
  return pow(reshape(x, {-1, 1}), reshape(k, {1, -1}));
  // END SOLUTION
}

// Variable projection: least squares in amplitudes that enter linearly and parameters that do not.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <glocal/core/tensor.h>

namespace glocal::hpo {

/// Columns Phi(a) (M, r) whose combinations Phi B are fitted to data (M, w), with their derivatives.
struct SeparableBasis {
  struct Derivative {
    std::int64_t parameter, column;  ///< d Phi(:, column) / d a_parameter
  };
  std::int64_t columns = 0;             ///< r
  std::vector<Derivative> derivatives;  ///< those that are not zero everywhere
  /// Writes [Phi, derivatives in the order above] for the first M rows, `width` numbers apart.
  std::function<void(std::span<const double> a, std::int64_t M, double* out, std::int64_t width)> fill;
};

struct SeparableFit {
  std::vector<double> parameters;
  double residual = 0;  ///< root of the weighted sum of squares; infinite when Phi is singular at the start
  int iterations = 0;
};

/// Levenberg-Marquardt on the parameters from `start`, the amplitudes of each data set being least squares (Golub and
/// Pereyra 1973; Kaufman's gradient, 1975). Parameters with `fixed` stay. Amplitudes are free in each data set.
SeparableFit variable_projection(const SeparableBasis& basis, std::vector<double> start, const std::vector<bool>& fixed,
                                 const std::vector<Tensor>& data, const std::vector<double>& weights);

}  // namespace glocal::hpo

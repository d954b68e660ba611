// A x = b for a symmetric A = H + rho I that is known by its products alone: what implicit differentiation asks for.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/hpo/unroll/options.h>

namespace glocal::hpo {

using Vector = std::vector<double>;
using Product = std::function<Vector(const Vector&)>;  ///< v -> A v

struct Solution {
  Vector x;
  std::int64_t products = 0;        ///< with A, those that check included
  double residual = 0;              ///< |b - A x| / |b| of the x above, computed from it; 0 when b = 0
  bool met = true;                  ///< residual <= tolerance; nystrom, which has none: true
  bool negative_curvature = false;  ///< cg: p^T A p <= 0 was met and x is the iterate before it
  std::string note;                 ///< all of this in words
};

/// Conjugate gradients from x = 0 (Hestenes, Stiefel 1952). Where the recurred residual is small enough the true one is
/// computed, and the iteration restarts from it if that is not. Throws NumericError when a product is not finite.
Solution conjugate_gradient(const Product& A, const Vector& b, double tolerance, std::int64_t iterations);

/// x = alpha sum_k (I - alpha A)^k b, k = 0 .. at most `iterations` (Lorraine, Vicol, Duvenaud, AISTATS 2020), which
/// converges where 0 < alpha A < 2. Stops, and says so, where the terms grow. alpha = 0 takes 1 / |A| by ten power
/// iterations from a random vector of `key`.
Solution neumann_series(const Product& A, const Vector& b, double tolerance, std::int64_t iterations, double alpha,
                        Key key);

/// x = (H_k + rho I)^-1 b with the Nystrom approximation H_k = C W^+ C^T, C = H Omega, W = Omega^T C, by Woodbury's
/// identity (Hataya, Yamada, AISTATS 2023). Omega: min(k, P) coordinates without repetition, or Gaussian vectors.
/// Eigenvalues of W below `noise` times the largest (the rounding error of a product) count as zero.
Solution nystrom(const Product& H, const Vector& b, double rho, std::int64_t k, ImplicitOptions::Sketch sketch,
                 double noise, Key key);

}  // namespace glocal::hpo

// How the value v of a hyperparameter follows from the unconstrained u, and where that ends: in floating point v
// reaches the ends of its open range, where it no longer tells u and its derivative is 0, or nearly. Such values are
// refused, and those below the normal numbers of the element type too.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/shape.h>

namespace glocal::hpo {

/// From the unconstrained u to the value v; the chain rule is inside, so hypergradients are with respect to u. Values
/// at the ends of the range, which rounding reaches, are refused.
enum class Transform {
  identity,  ///< v = u
  log,       ///< v = e^u, v > 0: learning rates, decays, eps
  logit      ///< v = low + (high - low) sigmoid(u), low < v < high: momentum, beta1, beta2, label smoothing
};
std::string_view name_of(Transform transform);

struct Hyperparameter {
  std::string name;
  std::vector<double> initial;  ///< values (not u), row-major over shape
  Transform transform = Transform::identity;
  Shape shape = {};          ///< () for one number
  double low = 0, high = 1;  ///< bounds of `logit`
  std::string of = {};       ///< the vector that it is a number of, with those beside it in the space
};

/// u of v = transform(u). Throws ValueError for a v outside of the open range.
double unconstrained(const Hyperparameter& hyperparameter, double v);
/// v at u, differentiable, whatever it is.
Var transformed(const Hyperparameter& hyperparameter, const Var& u);

/// True where v can be used: inside the range of its transform as dtype has it.
bool usable(const Hyperparameter& hyperparameter, double v, DType dtype);
/// The value nearest to `wanted` that can be used in dtype.
double nearest_usable(const Hyperparameter& hyperparameter, double wanted, DType dtype);
/// "knots[1] = 0 is at the end of ...": component j has the value v; the nearest usable one is that to `wanted`.
std::string at_an_end(const Hyperparameter& hyperparameter, std::int64_t j, double v, double wanted, DType dtype);

}  // namespace glocal::hpo

// Hyperparameter spaces: every hyperparameter is searched as an unconstrained number u and used as transform(u).
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/shape.h>

namespace glocal::hpo {

/// From the unconstrained u to the value v; the chain rule is inside, so hypergradients are with respect to u. Values
/// at the ends of the range, which rounding reaches, are refused; see transform.h.
enum class Transform {
  identity,      ///< v = u
  log,           ///< v = e^u, v > 0: learning rates, decays, eps
  softplus,      ///< v = log(1 + e^u), v > 0, linear for large u
  logit,         ///< v = low + (high - low) sigmoid(u), low < v < high: momentum, beta1, beta2, label smoothing
  one_minus_exp  ///< v = 1 - e^u, v < 1: the log of the distance to one; the command uses it for none
};
std::string_view name_of(Transform transform);

struct Hyperparameter {
  std::string name;
  std::vector<double> initial;  ///< values (not u), row-major over shape
  Transform transform = Transform::identity;
  Shape shape = {};          ///< () for one number
  double low = 0, high = 1;  ///< bounds of `logit`
};

/// An ordered list of named hyperparameters. phi, everywhere in hpo, is its list of unconstrained leaves.
class Space {
 public:
  /// Throws ValueError for a repeated name, a wrong number of initial values, or one outside the transform's range.
  void add(Hyperparameter hyperparameter);
  std::size_t size() const { return all_.size(); }
  const Hyperparameter& operator[](std::size_t i) const { return all_[i]; }
  /// Position of a name; throws ValueError for an unknown one.
  std::size_t index(std::string_view name) const;

  /// u of the initial values. Throws ValueError for one that dtype rounds to an end of its range, naming the nearest
  /// that can be used.
  Vars initial(DType dtype) const;
  /// Differentiable: v = transform(u), shaped as declared. Throws NumericError where u has run to an end of the range.
  Var value(std::size_t i, const Var& u) const;
  std::vector<double> values(In phi) const;          ///< all values as one list of q numbers, whatever they are
  std::vector<std::string> component_names() const;  ///< "lr", "knots[0]", "knots[1]", ...

 private:
  std::vector<Hyperparameter> all_;
};

/// One list of q numbers as leaves shaped as `like`, and back.
Vars to_leaves(const std::vector<double>& components, In like);

}  // namespace glocal::hpo

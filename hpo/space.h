// Hyperparameter spaces: every hyperparameter is searched as an unconstrained number u and used as transform(u).
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/hpo/transform.h>

namespace glocal::hpo {

/// Where the numbers of one name stand among the q components: of one number, or of a vector.
struct Extent {
  std::string name;
  std::size_t begin = 0, count = 1;
  bool vector = false;
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
  std::vector<double> values(In phi) const;  ///< all values as one list of q numbers, whatever they are
  std::vector<Extent> extents() const;       ///< what they are called in files, tables and messages: a vector once
  /// "lr", "knots[0]", "knots[1]", ...: where a single one of them must be named.
  std::vector<std::string> component_names() const;

 private:
  std::vector<Hyperparameter> all_;
};

/// One list of q numbers as leaves shaped as `like`, and back.
Vars to_leaves(const std::vector<double>& components, In like);

}  // namespace glocal::hpo

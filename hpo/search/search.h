// Black-box search over the unconstrained hyperparameters u: ask for a point, tell the E that it reached. Searches are
// the baselines that hypergradients are held against; CMA-ES and the Gaussian process are our own, so that one program
// runs all of a comparison, under the same budget and to the same bits.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/random.h>
#include <glocal/hpo/space.h>

namespace glocal::hpo {

/// Where a search looks: low < start < high in u, (q,) each.
struct SearchBox {
  std::vector<double> low, start, high;
  bool contains(const std::vector<double>& u) const;
  /// From the unit cube to u. Throws ShapeError for a wrong number of coordinates.
  std::vector<double> at(const std::vector<double>& cube) const;
  std::vector<double> clipped(std::vector<double> u) const;
};

/// Around phi, by transform: log goes from a 30th of the start value to 30 times it, logit from u - 4 to u + 4
/// (momentum 0.9: 0.14 to 0.998), identity from u - 1 to u + 1. `width` scales all of these in u. Throws ValueError
/// unless width > 0, finite.
SearchBox box_around(const Space& space, In phi, double width = 1);

/// The part of a run that a trial makes: shares of its steps. The last training takes the best of those that end last.
struct Part {
  double begin = 0, end = 1;
};

/// One search of `trials()` trials. Deterministic: what is asked depends on the key and on what was told.
struct Search {
  virtual ~Search() = default;
  virtual const char* name() const = 0;
  /// How many it makes: at most the number of whole runs it was given, or parts of runs that cost no more.
  virtual std::int64_t trials() const = 0;
  virtual std::vector<double> ask() = 0;  ///< the next u, inside the box
  /// E at the last point asked; one that is not finite counts as the worst.
  virtual void tell(const std::vector<double>& u, double E) = 0;

  // Of a search whose trials go on from one another:
  virtual Part part(std::int64_t) const { return {}; }      ///< of trial 0, 1, ...
  virtual std::int64_t goes_on_from() const { return -1; }  ///< the trial that the last one asked continues; -1: none
  virtual bool keeps(std::int64_t) const { return false; }  ///< whether a trial told may be continued
  virtual std::int64_t most_kept() const { return 0; }      ///< trials that are kept at once
  virtual double last_begins() const { return 0; }          ///< share at which the last training goes on from the best
};

/// An entry of the list of searches.
struct SearchKind {
  std::string name;    ///< "gp"
  std::string about;   ///< a sentence for `glocal list searches`
  std::string colour;  ///< of its curves, a name of the palette (app/report/paint.h)
  std::function<std::unique_ptr<Search>(const SearchBox&, std::int64_t trials, Key)> make;
};

}  // namespace glocal::hpo

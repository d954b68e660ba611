// Black-box search over the unconstrained hyperparameters u: ask for a point, tell the E that it reached.
#pragma once
#include <cstdint>
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

/// Around phi, by transform: log, softplus and one_minus_exp (of the distance to one) go from a 30th of the start value
/// to 30 times it, logit from u - 4 to u + 4 (momentum 0.9: 0.14 to 0.998), identity from u - 1 to u + 1; for large
/// values softplus is linear, u +- log 30. `width` scales all of these in u. Throws ValueError unless width > 0,
/// finite.
SearchBox box_around(const Space& space, In phi, double width = 1);

/// One search of `trials()` trials. Deterministic: what is asked depends on the key and on what was told.
struct Search {
  virtual ~Search() = default;
  virtual const char* name() const = 0;
  virtual std::int64_t trials() const = 0;  ///< how many it makes; may be less than it was given
  virtual std::vector<double> ask() = 0;    ///< the next u, inside the box
  /// E at the last point asked; one that is not finite counts as the worst.
  virtual void tell(const std::vector<double>& u, double E) = 0;
};

/// The start, then points uniform in the box (Bergstra & Bengio, JMLR 13, 2012).
std::unique_ptr<Search> random_search(const SearchBox& box, std::int64_t trials, Key key);
/// A full grid of at most `trials` points: q axes as equally divided as fit, points in the middle of their cells.
std::unique_ptr<Search> grid_search(const SearchBox& box, std::int64_t trials);
/// The start and a Latin hypercube of 2 q + 1 points (at most half of the trials), then maxima of the expected
/// improvement of a Gaussian process (Jones, Schonlau & Welch 1998). E above its median m is compressed to
/// m + s log(1 + (E - m) / s), s = m - min E, so that a trial that nearly diverged does not flatten the others.
std::unique_ptr<Search> gaussian_process_search(const SearchBox& box, std::int64_t trials, Key key);
/// CMA-ES from the start, with a deviation of a fifth of the box in every direction; points outside are drawn again.
std::unique_ptr<Search> cma_es_search(const SearchBox& box, std::int64_t trials, Key key);

/// "random-search", "grid", "gp", "cma-es". Throws ValueError for an unknown name, fewer than 1 trial, an empty box.
std::unique_ptr<Search> make_search(const std::string& name, const SearchBox& box, std::int64_t trials, Key key);
std::vector<std::string> search_names();
std::string search_about(const std::string& name);  ///< a sentence on it
bool is_search(const std::string& name);

}  // namespace glocal::hpo

#include <glocal/hpo/search/search.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/text/nearest.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/space.h>

namespace glocal::hpo {
namespace {

using Maker = std::function<std::unique_ptr<Search>(const SearchBox&, std::int64_t, Key)>;

struct Known {
  std::string name, about;
  Maker make;
};

const std::vector<Known> makers = {
    {"random-search", "points drawn uniformly from a box around the start", random_search},
    {"grid", "a full grid of that box",
     [](const SearchBox& box, std::int64_t trials, Key) { return grid_search(box, trials); }},
    {"gp", "Bayesian optimisation: expected improvement of a Gaussian process", gaussian_process_search},
    {"cma-es", "evolution strategy that adapts a covariance matrix", cma_es_search},
};

double half_width(Transform transform) {
  switch (transform) {
    case Transform::identity: return 1;
    case Transform::logit: return 4;
    case Transform::log:
    case Transform::softplus:
    case Transform::one_minus_exp: return std::log(30.0);
  }
  fail<ValueError>("[search] unknown transform {}", static_cast<int>(transform));
}

}  // namespace

bool SearchBox::contains(const std::vector<double>& u) const { return clipped(u) == u; }

std::vector<double> SearchBox::at(const std::vector<double>& cube) const {
  if (cube.size() != low.size()) fail<ShapeError>("[search] {} coordinates in {} dimensions", cube.size(), low.size());
  std::vector<double> u;
  for (std::size_t k = 0; k < low.size(); ++k) u.push_back(low[k] + cube[k] * (high[k] - low[k]));
  return u;
}

std::vector<double> SearchBox::clipped(std::vector<double> u) const {
  if (u.size() != low.size()) fail<ShapeError>("[search] {} coordinates in {} dimensions", u.size(), low.size());
  for (std::size_t k = 0; k < low.size(); ++k) u[k] = std::clamp(u[k], low[k], high[k]);
  return u;
}

SearchBox box_around(const Space& space, In phi, double width) {
  if (!(width > 0) || !std::isfinite(width)) fail<ValueError>("[search] width = {} must be > 0 and finite", width);
  if (phi.size() != space.size())
    fail<ShapeError>("[search] {} leaves of phi for {} hyperparameters", phi.size(), space.size());
  SearchBox box;
  box.start = to_components(phi, phi);
  std::size_t k = 0;
  for (std::size_t i = 0; i < space.size(); ++i) {
    for (std::int64_t j = 0; j < phi[i].size(); ++j, ++k) {
      const double half = width * half_width(space[i].transform);
      box.low.push_back(box.start[k] - half);
      box.high.push_back(box.start[k] + half);
    }
  }
  return box;
}

std::unique_ptr<Search> make_search(const std::string& name, const SearchBox& box, std::int64_t trials, Key key) {
  if (trials < 1) fail<ValueError>("[search] trials = {} must be at least 1", trials);
  if (box.low.empty() || box.low.size() != box.high.size() || box.low.size() != box.start.size())
    fail<ValueError>("[search] nothing to search: a box of {} dimensions", box.low.size());
  for (const Known& known : makers)
    if (known.name == name) return known.make(box, trials, key);
  fail<ValueError>("[search] {}", unknown_name(name, "search", search_names(), "glocal list searches"));
}

std::vector<std::string> search_names() {
  std::vector<std::string> names;
  for (const Known& known : makers) names.push_back(known.name);
  return names;
}

std::string search_about(const std::string& name) {
  for (const Known& known : makers)
    if (known.name == name) return known.about;
  return "";
}

bool is_search(const std::string& name) {
  return std::any_of(makers.begin(), makers.end(), [&](const Known& known) { return known.name == name; });
}

}  // namespace glocal::hpo

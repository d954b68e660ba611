#include <glocal/hpo/search/search.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/transform.h>

namespace glocal::hpo {
namespace {

double half_width(Transform transform) {
  switch (transform) {
    case Transform::identity: return 1;
    case Transform::logit: return 4;
    case Transform::log: return std::log(30.0);
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

}  // namespace glocal::hpo

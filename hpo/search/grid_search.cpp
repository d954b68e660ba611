#include <glocal/hpo/search/grid_search.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {
namespace {

struct Grid : Search {
  SearchBox box;
  std::vector<std::int64_t> points;  // per axis
  std::int64_t count = 1, asked = 0;
  Grid(const SearchBox& where, std::int64_t trials) : box(where), points(where.low.size(), 1) {
    // One more point on one axis after the other, while the grid still fits.
    for (bool grew = true; grew;) {
      grew = false;
      for (std::int64_t& axis : points) {
        const std::int64_t larger = count / axis * (axis + 1);
        if (larger > trials) continue;
        count = larger;
        ++axis;
        grew = true;
      }
    }
  }
  const char* name() const override { return "grid"; }
  std::int64_t trials() const override { return count; }
  std::vector<double> ask() override {
    std::int64_t rest = asked++ % count;
    std::vector<double> cube(points.size());
    for (std::size_t k = points.size(); k-- > 0; rest /= points[k])
      cube[k] = (static_cast<double>(rest % points[k]) + 0.5) / static_cast<double>(points[k]);
    return box.at(cube);
  }
  void tell(const std::vector<double>&, double) override {}
};

}  // namespace

std::unique_ptr<Search> grid_search(const SearchBox& box, std::int64_t trials) {
  return std::make_unique<Grid>(box, trials);
}

SearchKind grid_search_kind() {
  return {"grid", "a full grid of that box", "purple",
          [](const SearchBox& box, std::int64_t trials, Key) { return grid_search(box, trials); }};
}

}  // namespace glocal::hpo

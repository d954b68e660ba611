#include <glocal/hpo/search/cma_es_search.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/hpo/search/cma_es.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {
namespace {

// In coordinates of the unit cube, where one deviation serves all directions.
struct CmaSearch : Search {
  SearchBox box;
  std::int64_t count;
  CmaEs strategy;
  CmaSearch(const SearchBox& where, std::int64_t trials, Key key)
      : box(where), count(trials), strategy(cube_of(where.start), 0.2, key) {}
  std::vector<double> cube_of(std::vector<double> u) const {
    for (std::size_t k = 0; k < u.size(); ++k) u[k] = (u[k] - box.low[k]) / (box.high[k] - box.low[k]);
    return u;
  }
  const char* name() const override { return "cma-es"; }
  std::int64_t trials() const override { return count; }
  std::vector<double> ask() override {
    return box.clipped(box.at(strategy.ask([this](const auto& cube) { return box.contains(box.at(cube)); })));
  }
  void tell(const std::vector<double>& u, double E) override { strategy.tell(cube_of(u), E); }
};

}  // namespace

std::unique_ptr<Search> cma_es_search(const SearchBox& box, std::int64_t trials, Key key) {
  return std::make_unique<CmaSearch>(box, trials, key);
}

SearchKind cma_es_search_kind() {
  return {"cma-es", "evolution strategy that adapts a covariance matrix", "brown", cma_es_search};
}

}  // namespace glocal::hpo

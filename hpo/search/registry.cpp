#include <glocal/hpo/search/registry.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/text/registry.h>
#include <glocal/hpo/search/cma_es_search.h>
#include <glocal/hpo/search/gaussian_process_search.h>
#include <glocal/hpo/search/grid_search.h>
#include <glocal/hpo/search/random_search.h>
#include <glocal/hpo/search/search.h>
#include <glocal/hpo/search/successive_halving.h>

namespace glocal::hpo {

// A new search is one line here.
const Registry<SearchKind>& searches() {
  static const Registry<SearchKind> all("search", "glocal list searches",
                                        {random_search_kind(), grid_search_kind(), gaussian_process_search_kind(),
                                         cma_es_search_kind(), successive_halving_kind()});
  return all;
}

std::vector<std::string> search_names() { return searches().names(); }

bool is_search(const std::string& name) { return searches().find(name) != nullptr; }

std::unique_ptr<Search> make_search(const std::string& name, const SearchBox& box, std::int64_t trials, Key key) {
  if (trials < 1) fail<ValueError>("[search] trials = {} must be at least 1", trials);
  if (box.low.empty() || box.low.size() != box.high.size() || box.low.size() != box.start.size())
    fail<ValueError>("[search] nothing to search: a box of {} dimensions", box.low.size());
  return searches().at(name).make(box, trials, key);
}

}  // namespace glocal::hpo

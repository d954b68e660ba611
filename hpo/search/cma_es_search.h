// CMA-ES within a box.
#pragma once
#include <cstdint>
#include <memory>

#include <glocal/core/random.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {

/// CMA-ES from the start, with a deviation of a fifth of the box in every direction; points outside are drawn again.
std::unique_ptr<Search> cma_es_search(const SearchBox& box, std::int64_t trials, Key key);
SearchKind cma_es_search_kind();

}  // namespace glocal::hpo

// Points drawn uniformly from a box around the start.
#pragma once
#include <cstdint>
#include <memory>

#include <glocal/core/random.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {

/// The start, then points uniform in the box (Bergstra & Bengio, JMLR 13, 2012).
std::unique_ptr<Search> random_search(const SearchBox& box, std::int64_t trials, Key key);
SearchKind random_search_kind();

}  // namespace glocal::hpo

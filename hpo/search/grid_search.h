// A full grid of a box.
#pragma once
#include <cstdint>
#include <memory>

#include <glocal/hpo/search/search.h>

namespace glocal::hpo {

/// A full grid of at most `trials` points: q axes as equally divided as fit, points in the middle of their cells.
std::unique_ptr<Search> grid_search(const SearchBox& box, std::int64_t trials);
SearchKind grid_search_kind();

}  // namespace glocal::hpo

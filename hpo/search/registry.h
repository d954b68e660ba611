// The searches by name.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/core/text/registry.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {

const Registry<SearchKind>& searches();
std::vector<std::string> search_names();
bool is_search(const std::string& name);
/// Throws ValueError for an unknown name, fewer than 1 trial, an empty box.
std::unique_ptr<Search> make_search(const std::string& name, const SearchBox& box, std::int64_t trials, Key key);

}  // namespace glocal::hpo

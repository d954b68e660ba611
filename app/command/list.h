// `glocal list`: every list of names that a flag may take, the settings and the studies.
#pragma once
#include <string>

namespace glocal::app {

/// A list, or with no name which lists there are, on stdout; `json`: as an array of {name, about}. Throws
/// ValueError for an unknown list.
void print_list(const std::string& name, bool json);

}  // namespace glocal::app

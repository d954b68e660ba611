// The page about a comparison.
#pragma once
#include <filesystem>
#include <string>

namespace glocal::app {

/// HTML from a folder of `glocal compare` and the run folders inside it. Throws as write_report does.
std::string comparison_page(const std::filesystem::path& folder);

}  // namespace glocal::app

// Downloads a dataset with CMake's own downloader.
#pragma once
#include <filesystem>
#include <string>

#include <glocal/datasets/registry.h>

namespace glocal::app {

/// Runs the library's fetch script for `set` into `destination`, a mirror's url first when one is given. Progress goes
/// to stderr. Returns the folder with the data. Throws ValueError for a set that needs no download, IoError when CMake
/// is missing or no mirror has the files.
std::filesystem::path fetch(const datasets::SetInfo& set, const std::filesystem::path& destination,
                            const std::string& mirror);

}  // namespace glocal::app

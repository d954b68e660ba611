// The settings as config.json has them, and back.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include <glocal/app/settings/options.h>

namespace glocal::app {

/// Of a run folder, as config.json says; without a word of it, as version 0.1 left it, 1, where each number of
/// a vector has a name of its own.
constexpr std::int64_t folder_layout = 2;
/// Throws DataError naming the versions of a run folder and of this program where the layout of its config.json is not
/// `oldest` to ours, and says what to do.
void check_layout(const std::filesystem::path& folder, const Json& config, std::int64_t oldest);

/// The settings as config.json has them, and back; a file overrides only what it names. Throws ValueError for an
/// unknown key or a value that its setting does not take, DataError when the file is not a JSON object, IoError.
Json to_json(const Options& options);
void read_config(Options& options, const std::string& path);
/// The same from an object in memory; `source` names it in messages.
void read_settings(Options& options, const Json& json, const std::string& source);

}  // namespace glocal::app

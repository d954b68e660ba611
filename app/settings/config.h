// The settings as config.json has them, and back.
#pragma once
#include <string>

#include <glocal/app/settings/options.h>

namespace glocal::app {

/// The settings as config.json has them, and back; a file overrides only what it names. Throws ValueError for an
/// unknown key or a value that its setting does not take, DataError when the file is not a JSON object, IoError.
Json to_json(const Options& options);
void read_config(Options& options, const std::string& path);
/// The same from an object in memory; `source` names it in messages.
void read_settings(Options& options, const Json& json, const std::string& source);

}  // namespace glocal::app

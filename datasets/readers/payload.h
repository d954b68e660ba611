// Bytes of a data file, before any format is assumed.
#pragma once
#include <string>
#include <string_view>

namespace glocal::datasets {

/// The bytes of a regular file of at most 4 GiB. Throws DataError for a folder or anything longer, IoError when it
/// cannot be read.
std::string read_data_file(const std::string& path);

/// What foreign bytes seem to be, for error messages: "the file looks like a web page", "... like a zip archive".
std::string_view describe_content(std::string_view bytes);

}  // namespace glocal::datasets

// Whole files: read under a size limit, written so that a crash leaves the old file or the new one, never half of one.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace glocal {

/// The bytes of a regular file. Throws IoError when it cannot be read, DataError when it is longer than max_bytes
/// (checked before anything is allocated).
std::string read_file(const std::string& path, std::int64_t max_bytes = std::int64_t{1} << 34);

/// Writes a temporary file beside `path`, fsyncs it, renames it, fsyncs the folder. Throws IoError, leaving the old
/// file as it was and no temporary file.
void write_file_atomically(const std::string& path, std::string_view bytes);

}  // namespace glocal

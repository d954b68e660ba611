// Whole files: read under a size limit, written so that a crash leaves the old file or the new one, never half of one.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace glocal {

/// The bytes of a regular file. Throws IoError when it cannot be read, DataError when it is longer than max_bytes
/// (checked before anything is allocated).
std::string read_file(const std::string& path, std::int64_t max_bytes = std::int64_t{1} << 34);

/// Writes a temporary file beside `path`, fsyncs it, renames it, fsyncs the folder. `check`, when given, is called with
/// the flushed temporary file before the rename. Throws IoError, or what `check` throws, leaving the old file as it was
/// and no temporary file; only when the folder cannot be flushed, the last step, the new file is there already.
void write_file_atomically(const std::string& path, std::string_view bytes,
                           const std::function<void(const std::string& temporary)>& check = {});

/// Reads a file back, from the disk and not from the cache where the system lets us, and compares. Throws IoError.
void check_written(const std::string& path, std::string_view bytes);

/// Removes temporary files that write_file_atomically of a killed process has left in a folder. For its sole user, and
/// while this process writes no file there. Throws IoError when one cannot be removed.
void remove_stale_temporaries(const std::string& folder);

/// Whether a file name is that of a temporary file of write_file_atomically: NAME.tmp.PID.NUMBER.
bool is_temporary_name(std::string_view name);

}  // namespace glocal

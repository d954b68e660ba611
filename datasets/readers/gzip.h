// Inflates .gz files and zlib streams under a size limit, and notices every way in which one can be wrong.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace glocal::datasets {

/// True when the bytes begin as a gzip file does.
bool is_gzip(std::string_view bytes);

/// The whole payload of one gzip member. Memory grows with what is really unpacked, never by what a header says.
/// Throws DataError naming `file` when it is cut short, corrupt (CRC-32 or length), followed by other bytes, or
/// unpacks to more than max_bytes.
std::string gunzip(std::string_view compressed, std::string_view file, std::int64_t max_bytes);
std::vector<std::uint8_t> gunzip_bytes(std::string_view compressed, std::string_view file, std::int64_t max_bytes);

/// At most the first `count` bytes of the payload; throws DataError when the stream is corrupt before that.
std::string gunzip_start(std::string_view compressed, std::string_view file, std::int64_t count);

/// The same of a zlib stream, as MATLAB has them (RFC 1950, an Adler-32 at its end).
std::string inflate_zlib(std::string_view compressed, std::string_view file, std::int64_t max_bytes);
std::string inflate_zlib_start(std::string_view compressed, std::string_view file, std::int64_t count);

}  // namespace glocal::datasets

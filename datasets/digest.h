// SHA-256 and MD5, to tell official files from others.
#pragma once
#include <string>
#include <string_view>

namespace glocal::datasets {

/// Lower-case hexadecimal SHA-256 (FIPS 180-4), 64 characters.
std::string sha256(std::string_view bytes);
/// Lower-case hexadecimal MD5 (RFC 1321), 32 characters. For comparing with published sums, not for security.
std::string md5(std::string_view bytes);

}  // namespace glocal::datasets

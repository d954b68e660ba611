// SHA-256, to tell official files from others.
#pragma once
#include <string>
#include <string_view>

namespace glocal::datasets {

/// Lower-case hexadecimal SHA-256 (FIPS 180-4), 64 characters. Throws MemoryError when libcrypto has no room.
std::string sha256(std::string_view bytes);

}  // namespace glocal::datasets

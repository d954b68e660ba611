// The CRCs of a zip file put right, so that what lies behind them is reached too.
#pragma once
#include <zlib.h>

#include <cstddef>
#include <string>

namespace glocal::fuzz {

inline std::size_t number(const std::string& bytes, std::size_t at, std::size_t size) {
  std::size_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Writes the true CRC of every stored member into its directory entry.
inline void repair_zip(std::string& bytes) {
  for (std::size_t at = bytes.find("PK\1\2"); at != std::string::npos && at + 46 <= bytes.size();
       at = bytes.find("PK\1\2", at + 4)) {
    const std::size_t local = number(bytes, at + 42, 4), length = number(bytes, at + 20, 4);
    if (local > bytes.size() || bytes.size() - local < 30) continue;
    const std::size_t data = local + 30 + number(bytes, local + 26, 2) + number(bytes, local + 28, 2);
    if (data > bytes.size() || length > bytes.size() - data) continue;
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data() + data), length);
    for (std::size_t i = 0; i < 4; ++i) bytes[at + 16 + i] = static_cast<char>(crc >> (8 * i) & 0xff);
  }
}

}  // namespace glocal::fuzz

// Zip files of arrays. CRCs are put right first, so that what lies behind them is reached too.
#include <zlib.h>

#include <string>

#include <glocal/core/io/npy.h>

#include "fuzz.h"

using namespace glocal;

namespace {

std::size_t number(const std::string& bytes, std::size_t at, std::size_t size) {
  std::size_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Writes the true CRC of every stored member into its directory entry.
void repair(std::string& bytes) {
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

void read(std::string_view bytes) {
  fuzz::expect_typed_errors([&] {
    const auto arrays = decode_npz(bytes, "input");
    std::int64_t total = 0;
    for (const auto& [name, array] : arrays) total += array.bytes();
    fuzz::demand(total <= (4 + 24) * std::ssize(bytes) + (24 << 20), "arrays larger than the file may unpack to");
    if (total > 10000) return;
    const auto again = decode_npz(encode_npz(arrays), "again");  // ValueError for names a zip file should not have
    fuzz::demand(again.size() == arrays.size(), "arrays lost when written");
    for (const auto& [name, array] : arrays) fuzz::demand(same_bits(again.at(name), array), "numbers that change");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(fuzz::text_of(data, size));
  read(bytes);
  repair(bytes);
  read(bytes);
  return 0;
}

// Zip files of arrays. CRCs are put right first, so that what lies behind them is reached too.
#include <string>

#include <glocal/core/io/npy.h>

#include "fuzz.h"
#include "zip_crc.h"

using namespace glocal;

namespace {

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
  fuzz::repair_zip(bytes);
  read(bytes);
  return 0;
}

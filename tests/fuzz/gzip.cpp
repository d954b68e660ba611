// Gzip streams: the whole payload, and its beginning.
#include <zlib.h>

#include <glocal/datasets/readers/gzip.h>

#include "fuzz.h"

using namespace glocal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int64_t limit = std::int64_t{1} << 16;
  const std::string_view bytes = fuzz::text_of(data, size);
  fuzz::expect_typed_errors([&] {
    const std::string whole = datasets::gunzip(bytes, "input", limit);
    fuzz::demand(std::ssize(whole) <= limit, "more than was allowed");
    fuzz::demand(whole.starts_with(datasets::gunzip_start(bytes, "input", 16)), "two readings of one stream");
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(whole.data()), whole.size());
    for (std::size_t i = 0; i < 4; ++i)
      fuzz::demand(data[size - 8 + i] == (crc >> (8 * i) & 0xff), "a payload without its CRC");
  });
  fuzz::expect_typed_errors([&] { datasets::gunzip_start(bytes, "input", 1000); });
  return 0;
}

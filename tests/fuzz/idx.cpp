// IDX files, plain and gzip, as images and as labels.
#include <glocal/datasets/readers/idx.h>

#include "fuzz.h"

using namespace glocal;

namespace {

#ifdef GLOCAL_PLANTED_BUG
// The reader as it must not be: it believes the header's count. soak/fuzz must find this.
unsigned last_label(std::string_view bytes) {
  if (bytes.size() < 9 || bytes.substr(0, 4) != std::string_view("\0\0\x08\x01", 4)) return 0;
  std::size_t count = 0;
  for (std::size_t i = 4; i < 8; ++i) count = count << 8 | static_cast<unsigned char>(bytes[i]);
  return count > 0 && count < 65536 ? static_cast<unsigned char>(bytes.data()[8 + count - 1]) : 0;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
#ifdef GLOCAL_PLANTED_BUG
  [[maybe_unused]] volatile const unsigned label = last_label(bytes);  // or the compiler leaves the reading out
#endif
  for (const int rank : {1, 3})
    fuzz::expect_typed_errors([&] {
      const datasets::IdxArray array = datasets::parse_idx(bytes, rank, "input", std::int64_t{1} << 16);
      std::int64_t count = 1;
      for (const std::int64_t n : array.sizes) count *= n;
      fuzz::demand(std::ssize(array.sizes) == rank && count == std::ssize(array.values), "sizes that lie");
      if (bytes[0] != '\x1f')
        fuzz::demand(
            bytes.substr(bytes.size() - array.values.size()) == fuzz::text_of(array.values.data(), array.values.size()),
            "values that are not those of the file");
    });
  return 0;
}

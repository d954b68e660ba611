// MATLAB files, plain and compressed.
#include <glocal/datasets/readers/mat.h>

#include "fuzz.h"

using namespace glocal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  for (const char* name : {"X", "y"})
    fuzz::expect_typed_errors([&] {
      const datasets::MatArray array = datasets::parse_mat_array(bytes, name, "input");
      std::int64_t count = array.type.width;
      for (const std::int64_t n : array.sizes) count *= n;
      fuzz::demand(array.sizes.size() >= 2 && count == std::ssize(array.data), "sizes that lie");
    });
  return 0;
}

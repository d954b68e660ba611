// PNG and JPEG pictures, which libpng and libjpeg unpack.
#include <glocal/datasets/readers/picture.h>

#include "fuzz.h"

using namespace glocal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::expect_typed_errors([&] {
    const datasets::Picture picture = datasets::parse_picture(fuzz::text_of(data, size), "input");
    fuzz::demand(picture.channels == 1 || picture.channels == 3, "channels that are no colours");
    fuzz::demand(picture.channels * picture.height * picture.width == std::ssize(picture.pixels), "sizes that lie");
  });
  return 0;
}

// NumPy arrays; what is read is written and read again.
#include <glocal/core/io/npy.h>

#include "fuzz.h"

using namespace glocal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::expect_typed_errors([&] {
    const Tensor read = decode_npy(fuzz::text_of(data, size), "input");
    fuzz::demand(static_cast<std::size_t>(read.bytes()) <= 4 * size, "a tensor larger than its file");
    fuzz::demand(same_bits(decode_npy(encode_npy(read), "again"), read), "numbers that change when written");
  });
  return 0;
}

// Safetensors files; what is read is written and read again.
#include <string>

#include <glocal/core/io/safetensors.h>

#include "fuzz.h"

using namespace glocal;

namespace {

void read(std::string_view bytes) {
  fuzz::expect_typed_errors([&] {
    const SafeTensors file = decode_safetensors(bytes, "input");
    std::size_t total = 0;
    for (const auto& [name, tensor] : file.tensors) total += static_cast<std::size_t>(tensor.bytes());
    fuzz::demand(total <= 4 * bytes.size(), "tensors larger than their file");
    const SafeTensors again = decode_safetensors(encode_safetensors(file), "again");
    fuzz::demand(again.metadata == file.metadata && again.tensors.size() == file.tensors.size(), "entries lost");
    for (const auto& [name, tensor] : file.tensors)
      fuzz::demand(same_bits(again.tensors.at(name), tensor), "numbers that change when written");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  read(bytes);
  // The same as a header of text and some data: the length fits, and what comes after it is reached.
  const std::size_t end = bytes.rfind('}');
  if (end == std::string_view::npos || bytes.substr(0, 1) != "{") return 0;
  std::string whole(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) whole[i] = static_cast<char>((end + 1) >> (8 * i) & 0xff);
  read(whole.append(bytes));
  return 0;
}

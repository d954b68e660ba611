// The JSON header of a safetensors file: https://github.com/huggingface/safetensors, "Format".
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <glocal/core/shape.h>

namespace glocal {

/// {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"KEY": "TEXT"}}
struct SafeTensorsHeader {
  static constexpr std::size_t most_entries = 65536,
                               most_text = std::size_t{16} << 20;  ///< of tensors and of texts; bytes

  struct Entry {
    std::string type;
    Shape shape;
    std::uint64_t begin = 0, end = 0;  ///< of its bytes, counted from the end of the header
  };
  std::map<std::string, Entry> tensors;
  std::map<std::string, std::string> metadata;
};

/// Throws DataError naming the field, expected and found, for text of any other structure, repeated names, more than
/// most_entries of a kind, numbers of more than 64 bits; memory stays in proportion to the text. Offsets are not
/// checked but for begin <= end.
SafeTensorsHeader read_safetensors_header(std::string_view text, const std::string& where);

/// A name for a message: quoted, with everything but plain ASCII escaped, cut after 80 bytes.
std::string shown_name(std::string_view name);

}  // namespace glocal

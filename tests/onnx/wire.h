// Protocol buffers' wire format, as far as ONNX uses it: a message is a list of (field number, kind, content).
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace onnx {

enum class Kind : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct Field {
  std::uint32_t number;
  Kind kind;
  std::uint64_t whole = 0;   ///< a varint, or the bits of a fixed number
  std::string_view bytes{};  ///< a string, a message or packed numbers; points into the message

  /// Each throws DataError when the field is of another kind.
  std::int64_t integer() const;
  float real() const;
  std::string_view text() const;
};

/// All fields in their order. Throws DataError for a truncated field, a varint above 64 bits, field number 0, or a kind
/// that is none of the four.
std::vector<Field> fields(std::string_view message);

/// A repeated numeric field, packed or one by one, appended to `out`.
void append_integers(const Field& field, std::vector<std::int64_t>& out);
void append_floats(const Field& field, std::vector<float>& out);
void append_doubles(const Field& field, std::vector<double>& out);

}  // namespace onnx

#include "wire.h"

#include <bit>
#include <cstring>

#include <glocal/core/error.h>

namespace onnx {

namespace {

using glocal::DataError;
using glocal::fail;

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool at_end() const { return at_ == bytes_.size(); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 127U} << shift;
      if (byte < 128) return value;
    }
    fail<DataError>("[onnx] a varint before byte {} is above 64 bits", at_);
  }

  // Little-endian, whatever the machine.
  std::uint64_t fixed(std::size_t size) {
    const std::string_view raw = take(size);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
    return value;
  }

  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - at_)
      fail<DataError>("[onnx] {} bytes wanted at byte {}, the message has {}", size, at_, bytes_.size());
    const std::string_view part = bytes_.substr(at_, size);
    at_ += size;
    return part;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

void demand(bool right, const Field& field, const char* wanted) {
  if (!right)
    fail<DataError>("[onnx] field {} is of kind {}, expected {}", field.number, static_cast<int>(field.kind), wanted);
}

// A repeated number: one of them, or as many as the bytes hold.
template <class T, class Number>
void append(const Field& field, Kind single, std::size_t size, std::vector<T>& out, Number number) {
  if (field.kind == single) {
    out.push_back(number(field.whole));
    return;
  }
  demand(field.kind == Kind::bytes, field, "packed numbers");
  for (Reader reader(field.bytes); !reader.at_end();)
    out.push_back(number(size == 0 ? reader.varint() : reader.fixed(size)));
}

}  // namespace

std::int64_t Field::integer() const {
  demand(kind == Kind::varint, *this, "an integer");
  return static_cast<std::int64_t>(whole);
}

float Field::real() const {
  demand(kind == Kind::fixed32, *this, "a float");
  return std::bit_cast<float>(static_cast<std::uint32_t>(whole));
}

std::string_view Field::text() const {
  demand(kind == Kind::bytes, *this, "bytes");
  return bytes;
}

std::vector<Field> fields(std::string_view message) {
  std::vector<Field> all;
  for (Reader reader(message); !reader.at_end();) {
    const std::uint64_t tag = reader.varint();
    if (tag >> 3 == 0 || tag >> 32 != 0) fail<DataError>("[onnx] {} is not a field number", tag >> 3);
    Field field{static_cast<std::uint32_t>(tag >> 3), static_cast<Kind>(tag & 7)};
    switch (field.kind) {
      case Kind::varint: field.whole = reader.varint(); break;
      case Kind::fixed64: field.whole = reader.fixed(8); break;
      case Kind::bytes: field.bytes = reader.take(reader.varint()); break;
      case Kind::fixed32: field.whole = reader.fixed(4); break;
      default: fail<DataError>("[onnx] field {} has the unknown kind {}", field.number, tag & 7);
    }
    all.push_back(field);
  }
  return all;
}

void append_integers(const Field& field, std::vector<std::int64_t>& out) {
  append(field, Kind::varint, 0, out, [](std::uint64_t bits) { return static_cast<std::int64_t>(bits); });
}

void append_floats(const Field& field, std::vector<float>& out) {
  append(field, Kind::fixed32, 4, out,
         [](std::uint64_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits)); });
}

void append_doubles(const Field& field, std::vector<double>& out) {
  append(field, Kind::fixed64, 8, out, [](std::uint64_t bits) { return std::bit_cast<double>(bits); });
}

}  // namespace onnx

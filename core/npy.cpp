#include <glocal/core/npy.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <glocal/core/file.h>
#include <glocal/core/printable.h>

static_assert(std::endian::native == std::endian::little, "files are little-endian and read in place");

namespace glocal {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

constexpr std::int64_t most_one_byte = std::int64_t{16} << 20;  // their i32 take four times the room

std::string shown(std::string_view word) { return printable(word.substr(0, 40)) + (word.size() > 40 ? ".." : ""); }

struct Header {
  std::string type;  // as "<f4"
  bool fortran = false;
  Shape shape;
  std::size_t data_offset = 0;
};

// Reads the header's Python dictionary, {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, keys in any order.
class DictReader {
 public:
  DictReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  Header read() {
    Header header;
    bool seen[3] = {};
    expect("{");
    while (!accept("}")) {
      const std::string key = quoted();
      expect(":");
      const int field = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : -1;
      if (field < 0 || std::exchange(seen[field], true)) refuse("an unknown or repeated key \"" + shown(key) + "\"");
      if (field == 0) header.type = quoted();
      if (field == 1) header.fortran = boolean();
      if (field == 2) header.shape = shape();
      if (!accept(",")) {
        expect("}");
        break;
      }
    }
    for (int field = 0; field < 3; ++field)
      if (!seen[field]) refuse("no key " + std::string(field == 0 ? "descr" : field == 1 ? "fortran_order" : "shape"));
    skip_space();
    if (at_ != text_.size()) refuse("text after the dictionary");
    return header;
  }

 private:
  [[noreturn]] void refuse(const std::string& found) const {
    fail<DataError>(
        "[npy] {}: header at byte {}: expected {{'descr': .., 'fortran_order': .., 'shape': (..)}}, found {}", where_,
        at_, found);
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(std::string_view token) {
    skip_space();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) refuse("no " + std::string(token));
  }
  std::string quoted() {
    const char quote = accept("'") ? '\'' : accept("\"") ? '"' : '\0';
    const auto end = quote ? text_.find(quote, at_) : std::string_view::npos;
    if (end == std::string_view::npos) refuse("no quoted text");
    const std::string word(text_.substr(at_, end - at_));
    at_ = end + 1;
    return word;
  }
  bool boolean() {
    if (accept("True")) return true;
    expect("False");
    return false;
  }
  Shape shape() {
    std::vector<std::int64_t> sizes;
    expect("(");
    while (!accept(")")) {
      skip_space();
      std::int64_t value = 0;
      const char* const begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
      if (error != std::errc() || value < 0) refuse("no size in 'shape'");
      at_ += static_cast<std::size_t>(end - begin);
      sizes.push_back(value);
      if (accept(",")) continue;
      if (sizes.size() < 2) refuse("a single size without its comma");
      expect(")");
      break;
    }
    try {
      return Shape(std::span<const std::int64_t>(sizes));
    } catch (const ShapeError& error) {
      refuse(error.what());
    }
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
};

Header read_header(std::string_view bytes, const std::string& where) {
  if (bytes.substr(0, magic.size()) != magic)
    fail<DataError>("[npy] {}: magic: expected \\x93NUMPY in the first 6 bytes, found something else", where);
  if (bytes.size() < 10) fail<DataError>("[npy] {}: header: expected at least 10 bytes, found {}", where, bytes.size());
  const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(bytes[i])}; };
  const std::size_t major = byte(6), minor = byte(7);
  if (major < 1 || major > 3 || minor != 0)
    fail<DataError>("[npy] {}: version: expected 1.0, 2.0 or 3.0, found {}.{}", where, major, minor);
  const std::size_t start = major == 1 ? 10 : 12;
  if (bytes.size() < start)
    fail<DataError>("[npy] {}: header: expected {} bytes, found {}", where, start, bytes.size());
  std::size_t length = byte(8) | byte(9) << 8;
  if (major > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > bytes.size() - start)
    fail<DataError>("[npy] {}: header length: expected at most {}, found {}", where, bytes.size() - start, length);
  Header header = DictReader(bytes.substr(start, length), where).read();
  header.data_offset = start + length;
  return header;
}

// Converts numbers of type From to the tensor's To, in the file's order; i8 must fit i32.
template <class From, class To>
void convert(std::string_view data, To* out, std::int64_t count, const std::string& where) {
  for (std::int64_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, data.data() + static_cast<std::size_t>(i) * sizeof(From), sizeof(From));
    if constexpr (std::is_same_v<From, std::int64_t>)
      if (value < std::numeric_limits<To>::min() || value > std::numeric_limits<To>::max())
        fail<DataError>("[npy] {}: number {}: expected a value that fits i32, found {}", where, i, value);
    out[i] = static_cast<To>(value);
  }
}

// From first-axis-fastest to last-axis-fastest: out[index] = in[sum index_k stride_k] with Fortran strides.
template <class T>
Tensor from_fortran_order(const Tensor& in, const Shape& shape) {
  Tensor out(shape, in.dtype());
  const int rank = shape.rank();
  std::array<std::int64_t, Shape::max_rank> index{};
  for (std::int64_t flat = 0; flat < shape.size(); ++flat) {
    std::int64_t source = 0;
    for (int axis = rank - 1; axis >= 0; --axis) source = source * shape[axis] + index[static_cast<std::size_t>(axis)];
    out.data<T>()[flat] = in.data<T>()[source];
    for (int axis = rank - 1; axis >= 0 && ++index[static_cast<std::size_t>(axis)] == shape[axis]; --axis)
      index[static_cast<std::size_t>(axis)] = 0;
  }
  return out;
}

std::optional<std::pair<DType, std::int64_t>> type_and_width(std::string_view type) {
  if (type == "<f4") return {{DType::f32, 4}};
  if (type == "<f8") return {{DType::f64, 8}};
  if (type == "<i4") return {{DType::i32, 4}};
  if (type == "<i8") return {{DType::i32, 8}};
  if (type == "|u1" || type == "|b1") return {{DType::i32, 1}};
  return {};
}

}  // namespace

Tensor decode_npy(std::string_view bytes, const std::string& where) {
  const Header header = read_header(bytes, where);
  const auto type = type_and_width(header.type);
  if (!type)
    fail<DataError>("[npy] {}: descr: expected <f4 <f8 <i4 <i8 |u1 or |b1, found {}", where, shown(header.type));
  const auto [dtype, width] = *type;
  const std::string_view data = bytes.substr(header.data_offset);
  const auto held = static_cast<std::int64_t>(data.size());
  const std::int64_t count = header.shape.size();
  if (held % width != 0 || held / width != count)
    fail<DataError>("[npy] {}: data: expected {} numbers of {} bytes for shape {}, found {} bytes", where, count, width,
                    header.shape, held);
  if (width == 1 && count > most_one_byte)
    fail<DataError>("[npy] {}: data: expected at most {} numbers of one byte, found {}; save them as <i4", where,
                    most_one_byte, count);
  Tensor out({count}, dtype);
  if (header.type == "<i8")
    convert<std::int64_t>(data, out.data<std::int32_t>(), count, where);
  else if (width == 1)
    convert<std::uint8_t>(data, out.data<std::int32_t>(), count, where);
  else
    std::memcpy(out.raw(), data.data(), data.size());
  if (!header.fortran || header.shape.rank() < 2) return out.reshape(header.shape);
  return visit_any(dtype, [&]<class T>() { return from_fortran_order<T>(out, header.shape); });
}

std::string encode_npy(const Tensor& tensor) {
  if (!tensor) fail<ShapeError>("[npy] an empty tensor cannot be saved; give it a shape");
  const std::string_view type = tensor.dtype() == DType::f32 ? "<f4" : tensor.dtype() == DType::f64 ? "<f8" : "<i4";
  std::string dict =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type, tensor.shape().to_string());
  const std::size_t unpadded = magic.size() + 4 + dict.size() + 1;
  dict.append((64 - unpadded % 64) % 64, ' ').push_back('\n');  // data starts at a multiple of 64
  std::string bytes(magic);
  bytes += {'\1', '\0', static_cast<char>(dict.size() & 0xFF), static_cast<char>(dict.size() >> 8)};
  bytes += dict;
  bytes.append(static_cast<const char*>(tensor.raw()), static_cast<std::size_t>(tensor.bytes()));
  return bytes;
}

Tensor load_npy(const std::string& path) { return decode_npy(read_file(path), path); }

void save_npy(const std::string& path, const Tensor& tensor) { write_file_atomically(path, encode_npy(tensor)); }

}  // namespace glocal

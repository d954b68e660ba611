#include <glocal/core/io/npy.h>

#include <fmt/core.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/element_type.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/printable.h>

namespace glocal {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

constexpr std::string_view expected_types = "expected f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 or b1";

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
      if (field == 0) header.type = type();
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
  std::string type() {
    if (accept("[") || accept("("))
      fail<DataError>("[npy] {}: descr: {}, found a structured array; save each of its fields by itself", where_,
                      expected_types);
    return quoted();
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
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 writes long sizes so
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

// A type as numpy names it: an order (< little, > big, = the machine's, | none), a kind, bytes.
ElementType type_named(std::string_view name, const std::string& where) {
  using Kind = ElementType::Kind;
  std::string_view rest = name;
  const char order = !rest.empty() && std::string_view("<>=|").find(rest[0]) != std::string_view::npos ? rest[0] : '=';
  if (rest.starts_with(order)) rest.remove_prefix(1);
  if (rest == "?") rest = "b1";
  for (const auto& [kind, letter, widths] :
       {std::tuple(Kind::real, 'f', "248"), std::tuple(Kind::integer, 'i', "1248"),
        std::tuple(Kind::natural, 'u', "1248"), std::tuple(Kind::boolean, 'b', "1")})
    if (rest.size() == 2 && rest[0] == letter && std::string_view(widths).find(rest[1]) != std::string_view::npos)
      return {kind, rest[1] - '0', order == '>'};
  constexpr std::pair<char, std::string_view> others[] = {
      {'c', "complex numbers; save the real and imaginary part"},
      {'f', "long doubles, which differ from machine to machine; save them as f8"},
      {'g', "long doubles, which differ from machine to machine; save them as f8"},
      {'U', "text"},
      {'S', "text"},
      {'a', "text"},
      {'O', "Python objects, pickled"},
      {'M', "dates; save them as numbers"},
      {'m', "durations; save them as numbers"},
      {'V', "raw bytes or a structured array"}};
  std::string_view meaning = "no type of numpy's";
  for (const auto& [letter, words] : others)
    if (rest.starts_with(letter)) meaning = words;
  fail<DataError>("[npy] {}: descr: {}, found {}: {}", where, expected_types, shown(name), meaning);
}

}  // namespace

Tensor decode_npy(std::string_view bytes, const std::string& where, std::uint64_t max_bytes) {
  const Header header = read_header(bytes, where);
  const ElementType type = type_named(header.type, where);
  const auto count = static_cast<std::uint64_t>(header.shape.size()),
             width = static_cast<std::uint64_t>(size_of(type.dtype()));
  if (count > max_bytes / width)
    fail<DataError>("[npy] {}: shape: expected numbers for at most {} bytes of memory, found {} that become {}", where,
                    max_bytes, header.shape, type.dtype());
  return decode_elements(type, bytes.substr(header.data_offset), header.shape, header.fortran,
                         "[npy] " + where + ": data");
}

NpyArray parse_npy(std::string_view bytes, const std::string& where) {
  const Header header = read_header(bytes, where);
  const NpyArray array{type_named(header.type, where), header.fortran, header.shape, bytes.substr(header.data_offset)};
  const auto width = static_cast<std::size_t>(array.type.width), count = static_cast<std::size_t>(array.shape.size());
  if (array.data.size() % width != 0 || array.data.size() / width != count)
    fail<DataError>("[npy] {}: data: expected {} numbers of {} bytes for shape {}, found {} bytes", where, count, width,
                    array.shape, array.data.size());
  return array;
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

#include <glocal/datasets/readers/mat.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/element_type.h>
#include <glocal/core/error.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/readers/gzip.h>
#include <glocal/datasets/readers/payload.h>

namespace glocal::datasets {
namespace {

enum DataType : std::uint32_t { mi_int8 = 1, mi_int32 = 5, mi_uint32 = 6, mi_matrix = 14, mi_compressed = 15 };
constexpr std::size_t header_bytes = 128, tag_bytes = 8, most_rank = 8, start_bytes = 4096;
constexpr std::int64_t most_expansion = 1032;  // deflate cannot expand further

std::uint32_t number(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

struct Element {
  std::uint32_t type = 0;
  std::size_t bytes = 0;       // of its data, as the tag says
  std::string_view data;       // what is there of them
  std::size_t whole_size = 0;  // with tag and padding, to the next one
};

// Elements one after the other. `whole`: these bytes are all there are, else only the start of them.
class Elements {
 public:
  Elements(std::string_view bytes, std::string_view file, bool whole) : rest_(bytes), file_(file), whole_(whole) {}
  bool done() const { return rest_.empty(); }

  Element next(const char* what) {
    if (rest_.size() < tag_bytes) fail<DataError>("[mat] {}: {}: the file is truncated", file_, what);
    Element element;
    element.type = number(rest_, 0);
    std::size_t begin = tag_bytes;
    if (const std::uint32_t small = element.type >> 16; small > 0) {  // type and data of up to 4 bytes in one tag
      element.type &= 0xffff;
      element.bytes = small;
      begin = 4;
      if (small > 4) fail<DataError>("[mat] {}: {}: expected at most 4 bytes in a small element", file_, what);
    } else {
      element.bytes = number(rest_, 4);
    }
    element.data = rest_.substr(begin, element.bytes);
    if (whole_ && element.data.size() != element.bytes)
      fail<DataError>("[mat] {}: {}: expected {} bytes, found {}: the file is truncated", file_, what, element.bytes,
                      element.data.size());
    const bool padded = element.type != mi_compressed;
    element.whole_size = begin == 4 ? tag_bytes : begin + (padded ? (element.bytes + 7) / 8 * 8 : element.bytes);
    rest_.remove_prefix(std::min(element.whole_size, rest_.size()));
    return element;
  }
  Element next(const char* what, std::uint32_t type) {
    const Element element = next(what);
    if (element.type != type || element.data.size() != element.bytes)
      fail<DataError>("[mat] {}: {}: expected an element of type {}, found type {}", file_, what, type, element.type);
    return element;
  }

 private:
  std::string_view rest_, file_;
  bool whole_;
};

// What stands before the numbers of a matrix.
struct Head {
  std::uint32_t flags = 0;
  std::vector<std::int64_t> sizes;
  std::string_view name;
};

Head read_head(Elements& elements, std::string_view file) {
  Head head;
  const Element flags = elements.next("array flags", mi_uint32);
  if (flags.bytes != 8) fail<DataError>("[mat] {}: array flags: expected 8 bytes, found {}", file, flags.bytes);
  head.flags = number(flags.data, 0);
  const Element sizes = elements.next("sizes", mi_int32);
  if (sizes.bytes % 4 != 0 || sizes.bytes < 8 || sizes.bytes > 4 * most_rank)
    fail<DataError>("[mat] {}: sizes: expected 2 to {} numbers of 4 bytes, found {} bytes", file, most_rank,
                    sizes.bytes);
  for (std::size_t at = 0; at < sizes.bytes; at += 4) {
    head.sizes.push_back(static_cast<std::int32_t>(number(sizes.data, at)));
    if (head.sizes.back() < 1)
      fail<DataError>("[mat] {}: sizes: expected at least 1, found {}", file, head.sizes.back());
  }
  head.name = elements.next("name", mi_int8).data;
  return head;
}

std::optional<ElementType> element_type(std::uint32_t type) {
  using Kind = ElementType::Kind;
  constexpr std::array<ElementType, 14> types = {{{Kind::real, 0},
                                                  {Kind::integer, 1},
                                                  {Kind::natural, 1},
                                                  {Kind::integer, 2},
                                                  {Kind::natural, 2},
                                                  {Kind::integer, 4},
                                                  {Kind::natural, 4},
                                                  {Kind::real, 4},
                                                  {Kind::real, 0},
                                                  {Kind::real, 8},
                                                  {Kind::real, 0},
                                                  {Kind::real, 0},
                                                  {Kind::integer, 8},
                                                  {Kind::natural, 8}}};
  if (type >= types.size() || types[type].width == 0) return {};
  return types[type];
}

MatArray read_matrix(std::string_view body, std::string_view file) {
  Elements elements(body, file, /*whole=*/true);
  const Head head = read_head(elements, file);
  constexpr std::uint32_t first_numeric = 6, last_numeric = 15, complex = 0x0800;  // mxDOUBLE_CLASS to mxUINT64_CLASS
  const std::uint32_t kind = head.flags & 0xff;
  const std::string name = printable(head.name.substr(0, 40));
  if (kind < first_numeric || kind > last_numeric || (head.flags & complex) != 0)
    fail<DataError>("[mat] {}: {}: expected an array of real numbers, found {}", file, name,
                    kind == 4                     ? "text"
                    : kind == 5                   ? "a sparse array"
                    : (head.flags & complex) != 0 ? "complex numbers"
                                                  : "a cell, structure or object");
  const Element numbers = elements.next("numbers");
  MatArray array{head.sizes, {}, {}};
  const std::optional<ElementType> type = element_type(numbers.type);
  if (!type) fail<DataError>("[mat] {}: {}: type {} of its numbers is not known", file, name, numbers.type);
  array.type = *type;
  std::int64_t count = 1;
  for (const std::int64_t size : head.sizes) {
    if (size > static_cast<std::int64_t>(numbers.bytes) / count)
      fail<DataError>("[mat] {}: {}: expected numbers for sizes {}, found {} bytes", file, name,
                      fmt::join(head.sizes, " x "), numbers.bytes);
    count *= size;
  }
  if (count * array.type.width != static_cast<std::int64_t>(numbers.bytes))
    fail<DataError>("[mat] {}: {}: expected {} bytes for sizes {}, found {}", file, name, count * array.type.width,
                    fmt::join(head.sizes, " x "), numbers.bytes);
  array.data = std::string(numbers.data);
  return array;
}

// The name of a matrix from the start of its body, or "".
std::string_view name_of(std::string_view start, std::string_view file) {
  Elements elements(start, file, /*whole=*/false);
  return read_head(elements, file).name;
}

void check_header(std::string_view bytes, std::string_view file) {
  constexpr std::size_t endian_at = 126, version_at = 124;
  const bool hdf5 = bytes.starts_with("\x89HDF") || bytes.starts_with("MATLAB 7.3");
  if (hdf5) fail<DataError>("[mat] {}: a file of MATLAB 7.3 (HDF5), which is not read; save it with -v7", file);
  if (bytes.size() < header_bytes || (bytes.substr(endian_at, 2) != "IM" && bytes.substr(endian_at, 2) != "MI"))
    fail<DataError>("[mat] {}: expected a MATLAB file of version 5 to 7, found something else: {}", file,
                    describe_content(bytes));
  if (bytes.substr(endian_at, 2) == "MI") fail<DataError>("[mat] {}: a big-endian file, which is not read", file);
  const int version = static_cast<unsigned char>(bytes[version_at + 1]);
  if (version != 1) fail<DataError>("[mat] {}: version: expected 1, found {}", file, version);
}

}  // namespace

MatArray parse_mat_array(std::string_view bytes, std::string_view name, std::string_view file) {
  check_header(bytes, file);
  Elements elements(bytes.substr(header_bytes), file, /*whole=*/true);
  std::string found;
  while (!elements.done()) {
    const Element element = elements.next("array");
    std::string start;
    std::string_view body = element.data;
    std::size_t body_bytes = element.bytes;
    if (element.type == mi_compressed) {
      start = inflate_zlib_start(element.data, file, start_bytes);
      if (start.size() < tag_bytes || number(start, 0) != mi_matrix)
        fail<DataError>("[mat] {}: expected an array in a compressed element, found something else", file);
      body_bytes = number(start, 4);
      body = std::string_view(start).substr(tag_bytes, body_bytes);
    } else if (element.type != mi_matrix) {
      continue;
    }
    const std::string_view called = name_of(body.substr(0, start_bytes), file);
    if (called != name) {
      if (found.size() < 200) found += (found.empty() ? "" : ", ") + printable(called.substr(0, 40));
      continue;
    }
    if (element.type == mi_matrix) return read_matrix(body, file);
    const auto whole = static_cast<std::int64_t>(body_bytes + tag_bytes);
    if (whole / most_expansion > static_cast<std::int64_t>(element.bytes))
      fail<DataError>("[mat] {}: {}: promises {} bytes, which {} compressed bytes cannot hold", file, name, whole,
                      element.bytes);
    const std::string unpacked = inflate_zlib(element.data, file, whole);
    return read_matrix(std::string_view(unpacked).substr(tag_bytes), file);
  }
  fail<DataError>("[mat] {}: expected an array {}, found {}", file, name, found.empty() ? "none" : found);
}

}  // namespace glocal::datasets

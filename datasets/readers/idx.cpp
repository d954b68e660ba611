#include <glocal/datasets/readers/idx.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/datasets/readers/gzip.h>
#include <glocal/datasets/readers/payload.h>

namespace glocal::datasets {
namespace {

constexpr std::int64_t max_inflation = 1040;  // deflate never unpacks one byte to more than 1032

std::int64_t big_endian_32(std::string_view bytes, std::size_t at) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::size_t header_bytes(int rank) { return 4 + 4 * static_cast<std::size_t>(rank); }

// Sizes from the header, refused unless the payload they describe is possible at all.
std::vector<std::int64_t> parse_header(std::string_view bytes, int rank, std::string_view file) {
  const std::int64_t magic = 0x800 + rank;
  if (bytes.size() >= 4 && big_endian_32(bytes, 0) != magic)
    fail<DataError>("[idx] {}: magic: expected {} ({} of unsigned bytes), found {}: {}", file, magic,
                    rank == 3 ? "images" : "labels", big_endian_32(bytes, 0), describe_content(bytes));
  if (bytes.size() < header_bytes(rank))
    fail<DataError>("[idx] {}: header: expected {} bytes, found {}: the file is truncated", file, header_bytes(rank),
                    bytes.size());
  std::vector<std::int64_t> sizes;
  std::int64_t product = 1;
  for (int axis = 0; axis < rank; ++axis) {
    sizes.push_back(big_endian_32(bytes, 4 + 4 * static_cast<std::size_t>(axis)));
    if (sizes.back() == 0) fail<DataError>("[idx] {}: size {}: expected at least 1, found 0", file, axis);
    if (sizes.back() > most_idx_values / product)
      fail<DataError>("[idx] {}: sizes: expected at most {} bytes of data, found {} x {} and more", file,
                      most_idx_values, product, sizes.back());
    product *= sizes.back();
  }
  return sizes;
}

std::int64_t product_of(const std::vector<std::int64_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::int64_t{1}, std::multiplies<>());
}

}  // namespace

IdxArray parse_idx(std::string_view bytes, int rank, std::string_view file, std::int64_t max_values) {
  const bool packed = is_gzip(bytes);
  const std::string start = packed ? gunzip_start(bytes, file, static_cast<std::int64_t>(header_bytes(rank))) : "";
  const std::vector<std::int64_t> sizes = parse_header(packed ? std::string_view(start) : bytes, rank, file);
  const std::int64_t expected = static_cast<std::int64_t>(header_bytes(rank)) + product_of(sizes);

  if (expected - static_cast<std::int64_t>(header_bytes(rank)) > max_values)
    fail<DataError>("[idx] {}: sizes: expected at most {} values, found {} promised by the header", file, max_values,
                    product_of(sizes));
  std::vector<std::uint8_t> values;
  if (packed) {
    if (expected / max_inflation > static_cast<std::int64_t>(bytes.size()))
      fail<DataError>("[idx] {}: sizes: the header promises {} bytes, which {} compressed bytes cannot hold", file,
                      expected, bytes.size());
    values = gunzip_bytes(bytes, file, expected);
  }
  const std::int64_t found = packed ? std::ssize(values) : std::ssize(bytes);
  if (found != expected)
    fail<DataError>("[idx] {}: length: expected {} bytes by its header, found {}: the file is {}", file, expected,
                    found, found < expected ? "truncated" : "too long");
  if (packed)
    values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(header_bytes(rank)));
  else
    values.assign(bytes.begin() + static_cast<std::ptrdiff_t>(header_bytes(rank)), bytes.end());
  return {sizes, std::move(values)};
}

IdxArray read_idx(const std::string& path, int rank, std::int64_t max_values) {
  return parse_idx(read_data_file(path), rank, path, max_values);
}

}  // namespace glocal::datasets

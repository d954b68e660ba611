// IDX files, plain or gzip: the format of MNIST and its relatives.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace glocal::datasets {

/// Unsigned bytes with their sizes, row-major.
struct IdxArray {
  std::vector<std::int64_t> sizes;  ///< images: (N, H, W); labels: (N,)
  std::vector<std::uint8_t> values;
};

constexpr std::int64_t most_idx_values = std::int64_t{1} << 32;

/// Reads an IDX file of unsigned bytes with `rank` sizes (images 3, magic 2051; labels 1, magic 2049).
/// Throws IoError when it cannot be opened, DataError when magic, sizes and real length do not agree to the byte, or
/// the header promises more than max_values: that is what a compressed file can make this allocate.
IdxArray read_idx(const std::string& path, int rank, std::int64_t max_values = most_idx_values);

/// The same from bytes in memory (plain or gzip); `file` names them in errors.
IdxArray parse_idx(std::string_view bytes, int rank, std::string_view file, std::int64_t max_values = most_idx_values);

}  // namespace glocal::datasets

// CIFAR-10 and CIFAR-100 in their binary layout: records of label bytes and three 32 x 32 colour planes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace glocal::datasets {

enum class CifarLabels : std::uint8_t { cifar10, cifar100_fine, cifar100_coarse };

struct CifarArray {
  std::vector<std::uint8_t> pixels;  ///< (N, 3, 32, 32)
  std::vector<std::int32_t> labels;  ///< (N,), within 10, 100 or 20 classes
};

/// Reads one .bin file: records of 3073 bytes (CIFAR-10: label, pixels) or 3074 (CIFAR-100: coarse, fine, pixels).
/// Throws IoError when it cannot be opened, DataError when it is not whole records or a label is out of range.
CifarArray read_cifar(const std::string& path, CifarLabels labels);

/// The same from bytes in memory; `file` names them in errors.
CifarArray parse_cifar(std::string_view bytes, CifarLabels labels, std::string_view file);

}  // namespace glocal::datasets

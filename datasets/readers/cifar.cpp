#include <glocal/datasets/readers/cifar.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <glocal/core/error.h>
#include <glocal/datasets/readers/payload.h>

namespace glocal::datasets {
namespace {

constexpr std::size_t image_bytes = 3 * 32 * 32;
constexpr std::int32_t coarse_classes = 20, fine_classes = 100;

std::int32_t checked_label(char byte, std::int32_t classes, std::string_view field, std::size_t record,
                           std::string_view file) {
  const auto label = static_cast<std::int32_t>(static_cast<unsigned char>(byte));
  if (label >= classes)
    fail<DataError>("[cifar] {}: {} of record {}: expected 0..{}, found {}", file, field, record, classes - 1, label);
  return label;
}

}  // namespace

CifarArray parse_cifar(std::string_view bytes, CifarLabels labels, std::string_view file) {
  const bool hundred = labels != CifarLabels::cifar10;
  const std::size_t label_bytes = hundred ? 2 : 1, record = label_bytes + image_bytes;
  const std::size_t other = image_bytes + (hundred ? 1 : 2);
  if (bytes.empty() || bytes.size() % record != 0)
    fail<DataError>("[cifar] {}: length: expected whole records of {} bytes, found {} bytes: {}", file, record,
                    bytes.size(),
                    !bytes.empty() && bytes.size() % other == 0
                        ? (hundred ? "this is the length of a CIFAR-10 file" : "this is the length of a CIFAR-100 file")
                        : "the file is truncated or foreign");

  CifarArray out;
  out.pixels.reserve(bytes.size() / record * image_bytes);
  out.labels.reserve(bytes.size() / record);
  for (std::size_t i = 0; i < bytes.size() / record; ++i) {
    const std::string_view row = bytes.substr(i * record, record);
    if (hundred) {
      const std::int32_t coarse = checked_label(row[0], coarse_classes, "coarse label", i, file);
      const std::int32_t fine = checked_label(row[1], fine_classes, "fine label", i, file);
      out.labels.push_back(labels == CifarLabels::cifar100_fine ? fine : coarse);
    } else {
      out.labels.push_back(checked_label(row[0], 10, "label", i, file));
    }
    out.pixels.insert(out.pixels.end(), row.begin() + static_cast<std::ptrdiff_t>(label_bytes), row.end());
  }
  return out;
}

CifarArray read_cifar(const std::string& path, CifarLabels labels) {
  return parse_cifar(read_data_file(path), labels, path);
}

}  // namespace glocal::datasets

// CIFAR records in their three readings. The first byte repeats a short input up to whole records.
#include <string>

#include <glocal/datasets/readers/cifar.h>

#include "fuzz.h"

using namespace glocal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using datasets::CifarLabels;
  std::string bytes(fuzz::text_of(data, size));
  if (size > 1 && data[0] < 6) {
    const std::size_t length = (data[0] % 3 + 1) * (data[0] < 3 ? 3073U : 3074U);
    bytes.erase(0, 1);
    while (bytes.size() < length) bytes += bytes.substr(0, length - bytes.size());
  }
  for (const CifarLabels labels : {CifarLabels::cifar10, CifarLabels::cifar100_fine, CifarLabels::cifar100_coarse})
    fuzz::expect_typed_errors([&] {
      const datasets::CifarArray array = datasets::parse_cifar(bytes, labels, "input");
      const std::size_t classes = labels == CifarLabels::cifar10 ? 10 : labels == CifarLabels::cifar100_fine ? 100 : 20;
      fuzz::demand(!array.labels.empty() && array.pixels.size() == array.labels.size() * 3072, "sizes that lie");
      for (const std::int32_t label : array.labels)
        fuzz::demand(label >= 0 && static_cast<std::size_t>(label) < classes, "a label out of range");
    });
  return 0;
}

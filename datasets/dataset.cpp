#include <glocal/datasets/dataset.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/parallel.h>

namespace glocal::datasets {
namespace {

constexpr std::int64_t grain_numbers = 1 << 14;

}  // namespace

std::string_view name_of(Part part) {
  return part == Part::train ? "train" : part == Part::validation ? "validation" : "test";
}

std::span<const std::uint8_t> Dataset::image(std::int64_t index) const {
  if (index < 0 || index >= size())
    fail<ValueError>("[dataset] {} {}: image {} is outside [0, {})", name, name_of(part), index, size());
  return std::span(pixels).subspan(static_cast<std::size_t>(index * features()), static_cast<std::size_t>(features()));
}

Batch Dataset::batch(std::span<const std::int64_t> indices, DType dtype) const {
  const auto count = static_cast<std::int64_t>(indices.size());
  for (const std::int64_t index : indices) image(index);  // every index is checked before a thread starts
  Batch out{Tensor({count, channels, height, width}, dtype), Tensor({count}, DType::i32)};
  std::int32_t* y = out.y.data<std::int32_t>();
  for (std::size_t i = 0; i < indices.size(); ++i) y[i] = labels[static_cast<std::size_t>(indices[i])];

  visit_float(dtype, "batch", [&]<class T>() {
    const std::int64_t plane = height * width;
    std::vector<T> table(static_cast<std::size_t>(channels) * 256);  // the normalised value of each byte, per channel
    for (std::size_t c = 0; c < mean.size(); ++c)
      for (std::size_t byte = 0; byte < 256; ++byte)
        table[c * 256 + byte] = static_cast<T>((static_cast<double>(byte) / scale - mean[c]) / stddev[c]);
    T* x = out.x.data<T>();
    const std::int64_t grain = std::max<std::int64_t>(1, grain_numbers / std::max<std::int64_t>(1, features()));
    parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::uint8_t* from = pixels.data() + indices[static_cast<std::size_t>(i)] * features();
        T* to = x + i * features();
        for (std::int64_t c = 0; c < channels; ++c)
          for (std::int64_t k = c * plane; k < (c + 1) * plane; ++k)
            to[k] = table[static_cast<std::size_t>(c * 256 + from[k])];
      }
    });
  });
  return out;
}

Batch Dataset::range(std::int64_t begin, std::int64_t end, DType dtype) const {
  if (begin < 0 || end < begin || end > size())
    fail<ValueError>("[dataset] {} {}: range [{}, {}) is not inside [0, {}]", name, name_of(part), begin, end, size());
  std::vector<std::int64_t> indices(static_cast<std::size_t>(end - begin));
  std::iota(indices.begin(), indices.end(), begin);
  return batch(indices, dtype);
}

Dataset Dataset::subset(std::span<const std::int64_t> indices) const {
  Dataset out{name,    title, source, part,  synthetic, channels, height,     width,
              classes, {},    {},     scale, mean,      stddev,   class_names};
  out.pixels.reserve(indices.size() * static_cast<std::size_t>(features()));
  out.labels.reserve(indices.size());
  for (const std::int64_t index : indices) {
    const auto pixels_of = image(index);
    out.pixels.insert(out.pixels.end(), pixels_of.begin(), pixels_of.end());
    out.labels.push_back(labels[static_cast<std::size_t>(index)]);
  }
  return out;
}

std::vector<std::int64_t> Dataset::histogram() const {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes), 0);
  for (const std::int32_t label : labels) ++counts.at(static_cast<std::size_t>(label));
  return counts;
}

void check(const Dataset& data) {
  if (static_cast<std::int64_t>(data.pixels.size()) != data.size() * data.features())
    fail<DataError>("[dataset] {}: expected one label per image of {} bytes, found {} labels and {} bytes of images",
                    data.source, data.features(), data.size(), data.pixels.size());
  for (std::size_t i = 0; i < data.labels.size(); ++i)
    if (data.labels[i] < 0 || data.labels[i] >= data.classes)
      fail<DataError>("[dataset] {}: label of image {}: expected 0..{}, found {}", data.source, i, data.classes - 1,
                      data.labels[i]);
  const auto channels = static_cast<std::size_t>(data.channels);
  const bool positive =
      data.scale > 0 && std::all_of(data.stddev.begin(), data.stddev.end(), [](double s) { return s > 0; });
  if (data.mean.size() != channels || data.stddev.size() != channels || !positive)
    fail<DataError>("[dataset] {}: normalisation: expected {} means and positive deviations, found {} and {}",
                    data.source, channels, data.mean.size(), data.stddev.size());
}

}  // namespace glocal::datasets

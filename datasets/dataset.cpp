#include <glocal/datasets/dataset.h>

#include <algorithm>
#include <cmath>
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

void check_index(const Dataset& data, std::int64_t index) {
  if (index < 0 || index >= data.size())
    fail<ValueError>("[dataset] {} {}: image {} is outside [0, {})", data.name, name_of(data.part), index, data.size());
}

// Writes images as (number / scale - mean) / deviation, channel by channel.
template <class T>
class Normaliser {
 public:
  /// For so many images.
  Normaliser(const Dataset& data, std::int64_t count) : data_(data) {
    if (data.pixels.empty() || count * data.height * data.width < bytes) return;  // the table would be more work
    for (std::size_t c = 0; c < data.mean.size(); ++c)
      for (int byte = 0; byte < bytes; ++byte) table_.push_back(normal(byte, c));
  }
  void write(std::int64_t index, T* to) const {
    const auto begin = static_cast<std::ptrdiff_t>(index * data_.features());
    if (!table_.empty())
      each(data_.pixels.data() + begin, to, [this](auto byte, std::size_t c) { return table_[c * bytes + byte]; });
    else if (!data_.pixels.empty())
      each(data_.pixels.data() + begin, to, [this](auto byte, std::size_t c) { return normal(byte, c); });
    else
      each(data_.values.data() + begin, to, [this](auto value, std::size_t c) { return normal(value, c); });
  }

 private:
  static constexpr int bytes = 256;
  T normal(double number, std::size_t c) const {
    return static_cast<T>((number / data_.scale - data_.mean[c]) / data_.stddev[c]);
  }
  template <class From, class F>
  void each(const From* from, T* to, F&& f) const {
    const auto plane = static_cast<std::size_t>(data_.height * data_.width);
    for (std::size_t c = 0; c < data_.mean.size(); ++c)
      for (std::size_t k = c * plane; k < (c + 1) * plane; ++k) to[k] = f(from[k], c);
  }
  const Dataset& data_;
  std::vector<T> table_;  // the normalised value of each byte, per channel
};

}  // namespace

std::string_view name_of(Part part) {
  return part == Part::train ? "train" : part == Part::validation ? "validation" : "test";
}

std::span<const std::uint8_t> Dataset::image(std::int64_t index) const {
  check_index(*this, index);
  if (pixels.empty()) fail<ValueError>("[dataset] {} {}: its images are no bytes", name, name_of(part));
  return std::span(pixels).subspan(static_cast<std::size_t>(index * features()), static_cast<std::size_t>(features()));
}

double Dataset::number(std::int64_t index, std::int64_t at) const {
  check_index(*this, index);
  if (at < 0 || at >= features())
    fail<ValueError>("[dataset] {} {}: number {} of an image of {}", name, name_of(part), at, features());
  const auto place = static_cast<std::size_t>(index * features() + at);
  return values.empty() ? static_cast<double>(pixels[place]) : static_cast<double>(values[place]);
}

Batch Dataset::batch(std::span<const std::int64_t> indices, DType dtype) const {
  const auto count = static_cast<std::int64_t>(indices.size());
  for (const std::int64_t index : indices) check_index(*this, index);  // before a thread starts
  Batch out{Tensor({count, channels, height, width}, dtype), {}, {}};
  if (!regression()) {
    out.y = Tensor({count}, DType::i32);
    std::int32_t* y = out.y.data<std::int32_t>();
    for (std::size_t i = 0; i < indices.size(); ++i) y[i] = labels[static_cast<std::size_t>(indices[i])];
  }
  visit_float(dtype, "batch", [&]<class T>() {
    const Normaliser<T> normaliser(*this, count);
    T* x = out.x.data<T>();
    const std::int64_t grain = std::max<std::int64_t>(1, grain_numbers / std::max<std::int64_t>(1, features()));
    parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        normaliser.write(indices[static_cast<std::size_t>(i)], x + i * features());
    });
    if (!regression()) return;
    out.target = Tensor({count, outputs}, dtype);
    T* to = out.target.data<T>();
    for (const std::int64_t index : indices)
      for (std::size_t k = 0; k < target_mean.size(); ++k)
        *to++ = static_cast<T>((targets[static_cast<std::size_t>(index * outputs) + k] - target_mean[k]) /
                               target_stddev[k]);
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
  Dataset out{name,    title, source,  part,  synthetic,   channels,      height,      width,
              classes, {},    {},      scale, mean,        stddev,        class_names, black,
              white,   {},    outputs, {},    target_mean, target_stddev, {},          notes};
  const auto take = [&](const auto& from, auto& to, std::int64_t each) {
    if (from.empty()) return;
    to.reserve(indices.size() * static_cast<std::size_t>(each));
    for (const std::int64_t index : indices) {
      const auto begin = from.begin() + static_cast<std::ptrdiff_t>(index * each);
      to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(each));
    }
  };
  for (const std::int64_t index : indices) check_index(*this, index);
  take(pixels, out.pixels, features());
  take(values, out.values, features());
  take(labels, out.labels, 1);
  take(targets, out.targets, outputs);
  take(files, out.files, 1);
  return out;
}

std::vector<std::int64_t> Dataset::histogram() const {
  if (regression()) return {};
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes), 0);
  for (const std::int32_t label : labels) ++counts.at(static_cast<std::size_t>(label));
  return counts;
}

std::vector<Moments> moments(const Dataset& data) {
  std::vector<Moments> out;
  const auto plane = static_cast<std::size_t>(data.height * data.width),
             features = static_cast<std::size_t>(data.features()), size = static_cast<std::size_t>(data.size());
  const auto of = [&](const auto& numbers, std::size_t c) {
    const auto sum = [&](auto&& f) {
      double total = 0;
      for (std::size_t n = 0; n < size; ++n)
        for (std::size_t k = n * features + c * plane; k < n * features + (c + 1) * plane; ++k)
          total += f(static_cast<double>(numbers[k]));
      return total / static_cast<double>(plane * size);
    };
    const double mean = sum([](double x) { return x; });  // a second sweep: no difference of nearly equal sums
    return Moments{mean / data.scale,
                   std::sqrt(sum([mean](double x) { return (x - mean) * (x - mean); })) / data.scale};
  };
  for (std::size_t c = 0; c < static_cast<std::size_t>(data.channels); ++c)
    out.push_back(data.values.empty() ? of(data.pixels, c) : of(data.values, c));
  return out;
}

void check(const Dataset& data) {
  const std::size_t numbers = data.values.empty() ? data.pixels.size() : data.values.size();
  if (static_cast<std::int64_t>(numbers) != data.size() * data.features())
    fail<DataError>("[dataset] {}: expected one label per image of {} numbers, found {} labels and {} numbers",
                    data.source, data.features(), data.size(), numbers);
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

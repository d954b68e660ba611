#include <glocal/datasets/synthetic.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/registry.h>

namespace glocal::datasets {

Dataset synthetic(Part part, std::int64_t count, std::uint64_t seed) {
  if (count < 1) fail<ValueError>("[synthetic] needs at least 1 image, got {}", count);
  const SetInfo& set = data_sets().at("synthetic");
  constexpr std::int64_t block = 4;  // each pattern is 7 x 7 blocks of 4 x 4 pixels
  constexpr double contrast = 20, noise = 50, grey = 128;
  const Key root = key(seed);
  const Tensor pattern = normal(split(root, 0), {set.classes, set.height / block, set.width / block}, 0, contrast);
  const Key part_key = split(root, 1 + static_cast<std::uint64_t>(part));
  const Tensor jitter = normal(split(part_key, 0), {count, set.height, set.width}, grey, noise);

  Dataset data{set.name,   set.title,  "made from seed " + std::to_string(seed),
               part,       true,       set.channels,
               set.height, set.width,  set.classes,
               {},         {},         set.scale,
               set.mean,   set.stddev, set.class_names};
  data.pixels.resize(static_cast<std::size_t>(count * set.height * set.width));
  const auto values = jitter.span<float>(), patterns = pattern.span<float>();
  for (std::int64_t n = 0; n < count; ++n) {
    const std::int64_t label = uniform_int(split(part_key, 1), static_cast<std::uint64_t>(n), set.classes);
    data.labels.push_back(static_cast<std::int32_t>(label));
    for (std::int64_t y = 0; y < set.height; ++y)
      for (std::int64_t x = 0; x < set.width; ++x) {
        const auto at = static_cast<std::size_t>((n * set.height + y) * set.width + x);
        const auto cell =
            static_cast<std::size_t>((label * set.height / block + y / block) * (set.width / block) + x / block);
        data.pixels[at] = static_cast<std::uint8_t>(std::clamp(values[at] + patterns[cell], 0.0f, 255.0f));
      }
  }
  return data;
}

}  // namespace glocal::datasets

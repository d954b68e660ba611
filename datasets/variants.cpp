#include <glocal/datasets/variants.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/registry.h>
#include <glocal/datasets/dataset.h>

namespace glocal::datasets {
namespace {

void require_train(const Dataset& data, std::string_view where) {
  if (data.part != Part::train)
    fail<ValueError>("[{}] only a training part may be changed, {} is the {} part", where, data.name,
                     name_of(data.part));
}

}  // namespace

Dataset long_tailed(const Dataset& data, double imbalance, Key key) {
  require_train(data, "long_tailed");
  if (!(imbalance >= 1) || !std::isfinite(imbalance))
    fail<ValueError>("[long_tailed] imbalance must be >= 1, got {}", imbalance);
  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(data.classes));
  for (std::int64_t i = 0; i < data.size(); ++i)
    members[static_cast<std::size_t>(data.labels[static_cast<std::size_t>(i)])].push_back(i);
  const auto by_size = [](const auto& a, const auto& b) { return a.size() < b.size(); };
  const auto smallest = static_cast<double>(std::min_element(members.begin(), members.end(), by_size)->size());

  std::vector<std::int64_t> kept;
  for (std::size_t c = 0; c < members.size(); ++c) {
    const double exponent = members.size() > 1 ? static_cast<double>(c) / static_cast<double>(members.size() - 1) : 0;
    const std::int64_t wanted = std::llround(smallest * std::pow(imbalance, -exponent));
    if (wanted < 1)
      fail<ValueError>("[long_tailed] imbalance {} leaves no image of class {}; {} are there at most", imbalance, c,
                       smallest);
    const Tensor order = permutation(split(key, c), static_cast<std::int64_t>(members[c].size()));
    for (const std::int32_t i : order.span<std::int32_t>().first(static_cast<std::size_t>(wanted)))
      kept.push_back(members[c][static_cast<std::size_t>(i)]);
  }
  std::sort(kept.begin(), kept.end());
  return data.subset(kept);
}

NoisyLabels noisy_labels(const Dataset& data, double rate, Key key, NoiseKind kind) {
  require_train(data, "noisy_labels");
  if (!(rate >= 0 && rate <= 1)) fail<ValueError>("[noisy_labels] rate must be within [0, 1], got {}", rate);
  if (data.classes < 2) fail<ValueError>("[noisy_labels] {} has {} class, needs 2", data.name, data.classes);
  NoisyLabels out{data, {}};
  const Tensor order = permutation(split(key, 0), data.size());
  const auto wanted = static_cast<std::size_t>(std::llround(rate * static_cast<double>(data.size())));
  for (const std::int32_t i : order.span<std::int32_t>().first(wanted)) {
    const auto counter = static_cast<std::uint64_t>(i);
    std::int32_t& label = out.data.labels[static_cast<std::size_t>(i)];
    const std::int64_t shift = kind == NoiseKind::pair ? 1 : 1 + uniform_int(split(key, 1), counter, data.classes - 1);
    label = static_cast<std::int32_t>((label + shift) % data.classes);
    out.changed.push_back(i);
  }
  std::sort(out.changed.begin(), out.changed.end());
  return out;
}

const Registry<NoiseKindEntry>& noise_kinds() {
  static const Registry<NoiseKindEntry> all(
      "kind of noise", "glocal list noise-kinds",
      {{"symmetric", "any other class", NoiseKind::symmetric},
       {"pair", "the next class, the last one's being the first", NoiseKind::pair}});
  return all;
}

NoiseKind noise_kind(const std::string& name) { return noise_kinds().at(name).kind; }

}  // namespace glocal::datasets

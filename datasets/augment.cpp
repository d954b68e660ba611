#include <glocal/datasets/augment.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/parallel.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/printable.h>
#include <glocal/core/text/registry.h>

namespace glocal::datasets {
namespace {

// A whole number from 0 to n - 1, the counter-th of the place's stream.
std::int64_t drawn(const Draw& draw, std::uint64_t counter, std::int64_t n) {
  return uniform_int(draw.place, counter, n);
}

void shift(View& view, std::int64_t pixels, const Draw& draw, View::Beyond beyond) {
  view.down = drawn(draw, 0, 2 * pixels + 1) - pixels;
  view.right = drawn(draw, 1, 2 * pixels + 1) - pixels;
  view.beyond = beyond;
}

void crop(View& view, std::int64_t pixels, const Draw& draw) { shift(view, pixels, draw, View::Beyond::zero); }
void reflect_crop(View& view, std::int64_t pixels, const Draw& draw) {
  shift(view, pixels, draw, View::Beyond::reflect);
}

void flip(View& view, std::int64_t, const Draw& draw) { view.mirrored = drawn(draw, 0, 2) == 1; }
void alternating_flip(View& view, std::int64_t, const Draw& draw) {
  view.mirrored = (uniform_int(draw.image, 0, 2) + draw.epoch) % 2 == 1;
}

void cutout(View& view, std::int64_t side, const Draw& draw) {
  const std::int64_t top = drawn(draw, 0, draw.height) - side / 2, left = drawn(draw, 1, draw.width) - side / 2;
  view.hole = {std::max<std::int64_t>(top, 0), std::max<std::int64_t>(left, 0), std::min(top + side, draw.height),
               std::min(left + side, draw.width)};
}

// Where position i of a line of n pixels is read from, with the edge pixels as mirrors.
std::int64_t reflected(std::int64_t i, std::int64_t n) {
  if (i < 0) i = -i;
  return i < n ? i : 2 * (n - 1) - i;
}

template <class T>
void read(const View& view, const T* from, T* to, std::int64_t channels, std::int64_t height, std::int64_t width) {
  const bool reflect = view.beyond == View::Beyond::reflect;
  const View::Hole& hole = view.hole;
  // Columns [begin, end) of the result, before mirroring, lie inside the image.
  const std::int64_t begin = std::max<std::int64_t>(0, -view.right), end = std::min(width, width - view.right);
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t i = 0; i < height; ++i) {
      T* row = to + (c * height + i) * width;
      std::int64_t source = i + view.down;
      if (reflect) source = reflected(source, height);
      if (source < 0 || source >= height) {
        std::fill(row, row + width, T(0));
      } else {
        const T* line = from + (c * height + source) * width;
        for (std::int64_t j = 0; j < begin; ++j) row[j] = reflect ? line[reflected(j + view.right, width)] : T(0);
        std::copy(line + begin + view.right, line + end + view.right, row + begin);
        for (std::int64_t j = end; j < width; ++j) row[j] = reflect ? line[reflected(j + view.right, width)] : T(0);
        if (view.mirrored) std::reverse(row, row + width);
      }
      if (i >= hole.top && i < hole.bottom) std::fill(row + hole.left, row + hole.right, T(0));
    }
}

void check_images(const Tensor& x, std::int64_t height, std::int64_t width, std::size_t count) {
  if (x.rank() != 4 || x.shape()[2] != height || x.shape()[3] != width ||
      x.shape()[0] != static_cast<std::int64_t>(count))
    fail<ShapeError>("[augment] expects ({}, C, {}, {}), x has shape {}", count, height, width, x.shape());
}

// The images of x, each read as view(n) says.
template <class ViewOf>
Tensor read_all(const Tensor& x, ViewOf view) {
  const std::int64_t channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  const std::int64_t pixels = channels * height * width;
  Tensor out(x.shape(), x.dtype());
  visit_float(x.dtype(), "augment", [&]<class T>() {
    parallel_for(x.shape()[0], std::max<std::int64_t>(1, (1 << 14) / std::max<std::int64_t>(1, pixels)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t n = begin; n < end; ++n)
                     read(view(n), x.data<T>() + n * pixels, out.data<T>() + n * pixels, channels, height, width);
                 });
  });
  return out;
}

}  // namespace

const Registry<Augmentation>& augmentations() {
  using Changes = Augmentation::Changes;
  static const Registry<Augmentation> all(
      "augmentation", "glocal list augmentations",
      {
          {"none", "images as they are", Changes::nothing, {}, nullptr},
          {"crop", "shifted by up to so many pixels each way, the mean colour beyond the edge", Changes::place, 4,
           crop},
          {"reflect-crop", "the same, mirrored at the edge", Changes::place, 2, reflect_crop},
          {"flip", "mirrored left to right with probability 1/2", Changes::side, {}, flip},
          {"alternating-flip",
           "mirrored every other epoch, half of the images in the first",
           Changes::side,
           {},
           alternating_flip},
          {"cutout", "a square of that side is the mean colour; its centre is anywhere", Changes::hole, 8, cutout},
          {"brightness", "pixels times 1 + b u, u uniform in [-1, 1) for each image; can be tuned", Changes::light, 0.2,
           nullptr},
      });
  return all;
}

Augment::Augment(const std::vector<std::string>& texts, std::int64_t height, std::int64_t width, Key key)
    : height_(height), width_(width) {
  std::map<Augmentation::Changes, std::string> changed;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const Augmentation& augmentation = augmentations().at(name);
    if (const auto [before, fresh] = changed.try_emplace(augmentation.changes, name); !fresh)
      fail<ValueError>("[augmentation] {} and {} change the same; take one", before->second, name);
    if (equals != std::string::npos && !augmentation.strength)
      fail<ValueError>("[augmentation] {} has no strength; write {}", printable(text), name);
    double strength = augmentation.strength.value_or(0);
    if (equals != std::string::npos) {
      const char* end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data() + equals + 1, end, strength);
      if (error != std::errc() || stop != end) strength = -1;
    }
    if (!augmentation.apply) {
      if (augmentation.strength && !(strength >= 0 && strength < 1e6))
        fail<ValueError>("[augmentation] {} needs a number >= 0; write {}={}", printable(text), name,
                         *augmentation.strength);
      if (augmentation.strength) hyper_.emplace_back(name, strength);
      continue;
    }
    if (const std::int64_t most = std::min(height, width) - 1;
        augmentation.strength && !(strength >= 1 && strength <= double(most) && strength == std::floor(strength)))
      fail<ValueError>("[augmentation] {} needs a whole number of pixels from 1 to {} for images of {} x {}",
                       printable(text), most, height, width);
    const Key own = split(key, static_cast<std::uint64_t>(augmentation.changes));
    parts_.push_back({augmentation, static_cast<std::int64_t>(strength), split(own, 0), split(own, 1)});
  }
}

View Augment::view(std::int64_t index, std::int64_t place, std::int64_t t, std::int64_t epoch) const {
  View view;
  for (const Part& part : parts_) {
    const Key step = split(part.places, static_cast<std::uint64_t>(t));
    part.augmentation.apply(view, part.strength,
                            {split(step, static_cast<std::uint64_t>(place)),
                             split(part.images, static_cast<std::uint64_t>(index)), epoch, height_, width_});
  }
  return view;
}

Tensor Augment::operator()(const Tensor& x, std::span<const std::int64_t> indices, std::int64_t t, std::int64_t epoch,
                           std::int64_t first) const {
  check_images(x, height_, width_, indices.size());
  return read_all(x, [&](std::int64_t n) { return view(indices[static_cast<std::size_t>(n)], first + n, t, epoch); });
}

Tensor mirrored(const Tensor& x) {
  if (x.rank() != 4) fail<ShapeError>("[mirrored] expects (N, C, H, W), x has shape {}", x.shape());
  return read_all(x, [](std::int64_t) { return View{.mirrored = true}; });
}

}  // namespace glocal::datasets

#include <glocal/app/command/picture.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/app/command/png.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/dataset.h>

namespace glocal::app {
namespace {

// One channel of one pixel, as 0..255.
std::uint8_t level(const datasets::Dataset& data, std::int64_t image, std::int64_t c, std::int64_t y, std::int64_t x) {
  const double number = data.number(image, (c * data.height + y) * data.width + x);
  const double white = data.white > data.black ? data.white : data.scale,
               share = (number - data.black) / (white - data.black);
  return static_cast<std::uint8_t>(std::clamp(255 * share, 0.0, 255.0));
}

// Brightness of the pixels (x, y) and (x, y + 1), 0..255: a character is twice as high as it is wide.
double brightness(const datasets::Dataset& data, std::int64_t image, std::int64_t y, std::int64_t x) {
  double sum = 0, count = 0;
  for (std::int64_t c = 0; c < data.channels; ++c)
    for (std::int64_t row = y; row < std::min(y + 2, data.height); ++row) sum += level(data, image, c, row, x), ++count;
  return sum / count;
}

// The name of its class, or its target.
std::string answer(const datasets::Dataset& data, std::int64_t image) {
  const auto at = static_cast<std::size_t>(image);
  if (data.regression()) return fmt::format("{:.6g}", data.targets[at * static_cast<std::size_t>(data.outputs)]);
  return printable(data.class_names[static_cast<std::size_t>(data.labels[at])]);
}

}  // namespace

std::string contact_sheet(const datasets::Dataset& data, std::int64_t count) {
  constexpr std::int64_t gap = 2, smallest = 56;
  count = std::min(count, data.size());
  const auto columns = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  const std::int64_t rows = (count + columns - 1) / columns;
  const std::int64_t zoom = std::max<std::int64_t>(1, (smallest + data.width - 1) / data.width);
  const std::int64_t cell_width = data.width * zoom + gap, cell_height = data.height * zoom + gap;
  const std::int64_t width = columns * cell_width + gap, height = rows * cell_height + gap;
  const std::int64_t channels = data.channels == 3 ? 3 : 1;

  std::vector<std::uint8_t> sheet(static_cast<std::size_t>(width * height * channels), 128);
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t y = 0; y < data.height * zoom; ++y)
      for (std::int64_t x = 0; x < data.width * zoom; ++x)
        for (std::int64_t c = 0; c < channels; ++c) {
          const std::int64_t row = i / columns * cell_height + gap + y, column = i % columns * cell_width + gap + x;
          sheet[static_cast<std::size_t>((row * width + column) * channels + c)] =
              level(data, i, c, y / zoom, x / zoom);
        }
  return encode_png(width, height, channels, sheet);
}

std::string text_picture(const datasets::Dataset& data, std::int64_t count) {
  constexpr std::string_view ramp = " .:-=+*#%@";
  constexpr std::int64_t line = 100;
  count = std::min(count, data.size());
  const std::int64_t cell = std::max<std::int64_t>(data.width, 12) + 2;
  const std::int64_t columns = std::max<std::int64_t>(1, line / cell);
  std::string out;
  for (std::int64_t first = 0; first < count; first += columns) {
    const std::int64_t last = std::min(first + columns, count);
    for (std::int64_t i = first; i < last; ++i) {
      out += fmt::format("{:<{}.{}}", answer(data, i), cell, cell - 1);
    }
    out += '\n';
    for (std::int64_t y = 0; y < data.height; y += 2) {
      for (std::int64_t i = first; i < last; ++i) {
        for (std::int64_t x = 0; x < data.width; ++x)
          out += ramp[static_cast<std::size_t>(
              std::lround(brightness(data, i, y, x) / 255 * static_cast<double>(ramp.size() - 1)))];
        out.append(static_cast<std::size_t>(cell - data.width), ' ');
      }
      out += '\n';
    }
    out += '\n';
  }
  return out;
}

}  // namespace glocal::app

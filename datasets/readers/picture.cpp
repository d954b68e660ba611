#include <glocal/datasets/readers/picture.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/datasets/readers/payload.h>

namespace glocal::datasets {

PictureKind picture_kind(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG")) return PictureKind::png;
  return bytes.starts_with("\xff\xd8\xff") ? PictureKind::jpeg : PictureKind::other;
}

Picture picture_of(const std::vector<std::uint8_t>& numbers, std::size_t samples, std::size_t channels,
                   std::size_t height, std::size_t width, bool rounded) {
  const auto size = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  Picture picture{size(channels), size(height), size(width), {}, rounded};
  const std::size_t plane = height * width;
  picture.pixels.reserve(plane * channels);
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < plane; ++i) picture.pixels.push_back(numbers[i * samples + c]);
  return picture;
}

Picture parse_picture(std::string_view bytes, std::string_view file) {
  const PictureKind kind = picture_kind(bytes);
  if (kind == PictureKind::png) return parse_png(bytes, file);
  if (kind == PictureKind::jpeg) return parse_jpeg(bytes, file);
  fail<DataError>("[images] {}: expected a PNG or JPEG picture, found {} bytes of something else: {}", file,
                  bytes.size(), describe_content(bytes));
}

}  // namespace glocal::datasets

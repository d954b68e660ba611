// Pictures as bytes, from PNG by libpng and from JPEG by libjpeg; either library may be missing from a build.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace glocal::datasets {

struct Picture {
  std::int64_t channels = 0, height = 0, width = 0;  ///< 1 channel: grey, 3: red, green, blue
  std::vector<std::uint8_t> pixels;                  ///< (C, H, W)
  bool rounded = false;                              ///< from 16 bits
};

enum class PictureKind : std::uint8_t { png, jpeg, other };
/// By how the bytes begin, whatever the file is called.
PictureKind picture_kind(std::string_view bytes);
/// Whether this build reads them.
bool reads_png();
bool reads_jpeg();

constexpr std::int64_t most_picture_bytes = std::int64_t{1} << 28;

/// Grey, palette and colour of any depth, interlaced or not; 16 bits are rounded to 8, no gamma is applied. Alpha that
/// hides nothing is dropped. Throws DataError for a picture with transparent pixels, one that is corrupt or cut short,
/// or promises more pixels than its bytes can hold; and for any where this build has no libpng.
Picture parse_png(std::string_view bytes, std::string_view file);

/// Grey and colour, baseline or progressive; no rotation by EXIF. Throws DataError as parse_png, for CMYK, and where
/// this build has no libjpeg.
Picture parse_jpeg(std::string_view bytes, std::string_view file);

/// Of numbers (H, W, samples), as both libraries give them, the first `channels` of each pixel; for the readers.
Picture picture_of(const std::vector<std::uint8_t>& numbers, std::size_t samples, std::size_t channels,
                   std::size_t height, std::size_t width, bool rounded);

/// Either of them. Throws DataError for bytes of another kind, naming it.
Picture parse_picture(std::string_view bytes, std::string_view file);

}  // namespace glocal::datasets

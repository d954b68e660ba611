// Writes PNG images.
#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace glocal::app {

/// The bytes of a PNG file: `pixels` is (height, width, channels), channels 1 (grey) or 3 (RGB), 8 bits each.
/// Throws ValueError when the count of pixels does not fit the sizes.
std::string encode_png(std::int64_t width, std::int64_t height, std::int64_t channels,
                       std::span<const std::uint8_t> pixels);

}  // namespace glocal::app

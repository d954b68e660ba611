#include <glocal/app/command/png.h>

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <glocal/core/error.h>

namespace glocal::app {
namespace {

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift & 0xff));
  return bytes;
}

std::uint32_t narrow(std::size_t value) { return static_cast<std::uint32_t>(value); }

// Length, type, content, CRC-32 of type and content.
std::string chunk(std::string_view type, std::string_view content) {
  const std::string body = std::string(type) + std::string(content);
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(narrow(content.size())) + body + big_endian(static_cast<std::uint32_t>(crc));
}

}  // namespace

std::string encode_png(std::int64_t width, std::int64_t height, std::int64_t channels,
                       std::span<const std::uint8_t> pixels) {
  constexpr std::int64_t limit = 1 << 15;
  const bool sizes_fit =
      width > 0 && height > 0 && width <= limit && height <= limit && (channels == 1 || channels == 3);
  if (!sizes_fit || static_cast<std::int64_t>(pixels.size()) != width * height * channels)
    fail<ValueError>("[png] an image of {} x {} with {} channels cannot hold {} bytes", width, height, channels,
                     pixels.size());
  const auto row = static_cast<std::size_t>(width * channels);
  std::string raw;
  for (std::size_t at = 0; at < pixels.size(); at += row) {
    raw.push_back('\0');  // filter type: none
    raw.append(reinterpret_cast<const char*>(pixels.data()) + at, row);
  }
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::string packed(size, '\0');
  if (compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
               static_cast<uLong>(raw.size())) != Z_OK)
    fail<MemoryError>("[png] zlib has no memory to compress {} bytes", raw.size());
  packed.resize(size);

  const std::string depth_and_colour = {8, static_cast<char>(channels == 3 ? 2 : 0), 0, 0, 0};
  const std::string sizes =
      big_endian(narrow(static_cast<std::size_t>(width))) + big_endian(narrow(static_cast<std::size_t>(height)));
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", sizes + depth_and_colour) + chunk("IDAT", packed) + chunk("IEND", "");
}

}  // namespace glocal::app

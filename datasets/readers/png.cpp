// PNG by libpng. What it reports comes back by longjmp, so no function that it may leave holds a C++ object.
#include <glocal/datasets/readers/picture.h>

#include <string_view>

#include <glocal/core/error.h>

#ifdef GLOCAL_PNG

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include <glocal/core/text/printable.h>

namespace glocal::datasets {
namespace {

struct Source {
  const char* at;
  std::size_t left;
  char complaint[120];
};

void take(png_structp png, png_bytep to, std::size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (count > source->left) png_error(png, "the file is truncated");
  std::memcpy(to, source->at, count);
  source->at += count;
  source->left -= count;
}
[[noreturn]] void complain(png_structp png, const char* text) {
  std::snprintf(static_cast<Source*>(png_get_error_ptr(png))->complaint, sizeof Source::complaint, "%s", text);
  png_longjmp(png, 1);
}
void hear(png_structp, const char*) {}  // of chunks that change no pixel

struct Shape {
  std::size_t width, height, channels, raw_row;  // raw_row: bytes of a row as the file has it
  bool rounded;
};

bool read_header(png_structp png, png_infop info, Shape* shape) {
  if (setjmp(png_jmpbuf(png))) return false;
  constexpr png_uint_32 longest = 65500;
  png_set_user_limits(png, longest, longest);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_read_info(png, info);
  shape->width = png_get_image_width(png, info);
  shape->height = png_get_image_height(png, info);
  shape->raw_row = png_get_rowbytes(png, info);
  shape->rounded = png_get_bit_depth(png, info) == 16;
  png_set_scale_16(png);
  png_set_expand(png);  // palettes to colours, 1, 2 and 4 bits to 8, tRNS to alpha
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  shape->channels = png_get_channels(png, info);
  return true;
}

bool read_rows(png_structp png, png_bytepp rows) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_read_image(png, rows);
  png_read_end(png, nullptr);
  return true;
}

class Reader {
 public:
  Reader(std::string_view bytes, std::string_view file) : source_{bytes.data(), bytes.size(), ""}, file_(file) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, complain, hear);
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
    if (!info_) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      fail<MemoryError>("[images] {}: libpng has no memory", file);
    }
    png_set_read_fn(png_, &source_, take);
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Shape header() {
    Shape shape{};
    if (!read_header(png_, info_, &shape)) refuse();
    return shape;
  }
  void rows(png_bytepp to) {
    if (!read_rows(png_, to)) refuse();
  }

 private:
  [[noreturn]] void refuse() const {
    fail<DataError>("[images] {}: no whole PNG picture: {}", file_, printable(source_.complaint));
  }
  Source source_;
  std::string_view file_;
  png_structp png_;
  png_infop info_;
};

}  // namespace

bool reads_png() { return true; }

Picture parse_png(std::string_view bytes, std::string_view file) {
  Reader reader(bytes, file);
  const Shape shape = reader.header();
  constexpr std::size_t most_expansion = 1032;  // deflate cannot expand further
  // Palettes and pixels of one bit can, once unpacked.
  const std::size_t most =
      std::clamp<std::size_t>(most_expansion * bytes.size(), std::size_t{24} << 20, most_picture_bytes);
  const std::size_t plane = shape.width * shape.height;
  if (shape.height * shape.raw_row / most_expansion > bytes.size() || plane * shape.channels > most)
    fail<DataError>("[images] {}: {} x {} pixels are more than {} bytes can hold, or than one picture may have", file,
                    shape.width, shape.height, bytes.size());
  std::vector<std::uint8_t> numbers(plane * shape.channels);
  std::vector<png_bytep> rows(shape.height);
  for (std::size_t y = 0; y < shape.height; ++y) rows[y] = numbers.data() + y * shape.width * shape.channels;
  reader.rows(rows.data());

  const std::size_t colours = shape.channels < 3 ? 1 : 3;
  if (colours != shape.channels)
    for (std::size_t i = 0; i < plane; ++i)
      if (const int alpha = numbers[(i + 1) * shape.channels - 1]; alpha != 255)
        fail<DataError>(
            "[images] {}: the pixel in row {}, column {} is transparent (alpha {}); give it a background: "
            "mogrify -background white -alpha remove",
            file, i / shape.width, i % shape.width, alpha);
  return picture_of(numbers, shape.channels, colours, shape.height, shape.width, shape.rounded);
}

}  // namespace glocal::datasets

#else

namespace glocal::datasets {

bool reads_png() { return false; }

Picture parse_png(std::string_view, std::string_view file) {
  fail<DataError>(
      "[images] {}: a PNG picture, which this build does not read; apt-get install libpng-dev and configure again",
      file);
}

}  // namespace glocal::datasets

#endif

// JPEG by libjpeg. What it reports comes back by longjmp, so no function that it may leave holds a C++ object.
#include <glocal/datasets/readers/picture.h>

#include <string_view>

#include <glocal/core/error.h>

#ifdef GLOCAL_JPEG

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>  // before jpeglib.h, which needs FILE
#include <vector>

#include <jpeglib.h>

#include <glocal/core/text/printable.h>

namespace glocal::datasets {
namespace {

struct Complaint {
  jpeg_error_mgr manager;  // first: libjpeg hands it back
  std::jmp_buf back;
  char text[JMSG_LENGTH_MAX];
};

[[noreturn]] void leave(j_common_ptr jpeg) {
  auto* complaint = reinterpret_cast<Complaint*>(jpeg->err);
  jpeg->err->format_message(jpeg, complaint->text);
  std::longjmp(complaint->back, 1);
}
void hear(j_common_ptr jpeg, int level) {
  if (level < 0) leave(jpeg);  // a warning: the data are corrupt, and what would follow is made up
}
void say_nothing(j_common_ptr) {}

// Many scans over a large picture are the one way to make a short file take hours.
void limit_scans(j_common_ptr jpeg) {
  constexpr int most_scans = 200;
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= most_scans) return;
  auto* complaint = reinterpret_cast<Complaint*>(jpeg->err);
  std::snprintf(complaint->text, sizeof complaint->text, "more than %d scans", most_scans);
  std::longjmp(complaint->back, 1);
}

bool read_header(jpeg_decompress_struct* jpeg, Complaint* complaint, const unsigned char* bytes, unsigned long size) {
  if (setjmp(complaint->back)) return false;
  jpeg_mem_src(jpeg, bytes, size);
  jpeg_read_header(jpeg, TRUE);
  jpeg->out_color_space = jpeg->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  return true;
}

// Rows of interleaved channels, one after the other.
bool read_rows(jpeg_decompress_struct* jpeg, Complaint* complaint, unsigned char* to, std::size_t row) {
  if (setjmp(complaint->back)) return false;
  jpeg_start_decompress(jpeg);
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW at = to + jpeg->output_scanline * row;
    jpeg_read_scanlines(jpeg, &at, 1);
  }
  jpeg_finish_decompress(jpeg);
  return true;
}

class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {
    jpeg_.err = jpeg_std_error(&complaint_.manager);
    complaint_.manager.error_exit = leave;
    complaint_.manager.emit_message = hear;
    complaint_.manager.output_message = say_nothing;
    if (setjmp(complaint_.back)) fail<MemoryError>("[images] {}: libjpeg has no memory", file);
    jpeg_create_decompress(&jpeg_);
    progress_.progress_monitor = limit_scans;
    jpeg_.progress = &progress_;
  }
  ~Reader() { jpeg_destroy_decompress(&jpeg_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  const jpeg_decompress_struct& header(std::string_view bytes) {
    if (!read_header(&jpeg_, &complaint_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) refuse();
    return jpeg_;
  }
  void rows(std::vector<std::uint8_t>& to, std::size_t row) {
    if (!read_rows(&jpeg_, &complaint_, to.data(), row)) refuse();
  }

 private:
  [[noreturn]] void refuse() const {
    fail<DataError>("[images] {}: no whole JPEG picture: {}", file_, printable(complaint_.text));
  }
  Complaint complaint_{};
  jpeg_decompress_struct jpeg_{};
  jpeg_progress_mgr progress_{};
  std::string_view file_;
};

}  // namespace

bool reads_jpeg() { return true; }

Picture parse_jpeg(std::string_view bytes, std::string_view file) {
  Reader reader(file);
  const jpeg_decompress_struct& header = reader.header(bytes);
  if (header.jpeg_color_space == JCS_CMYK || header.jpeg_color_space == JCS_YCCK)
    fail<DataError>("[images] {}: a CMYK picture, for print; make it one for screens: mogrify -colorspace sRGB", file);
  const std::size_t width = header.image_width, height = header.image_height,
                    channels = header.out_color_space == JCS_GRAYSCALE ? 1 : 3, plane = width * height;
  constexpr std::size_t most_expansion = 1024;  // of a byte to pixels: a bit at least for each 8 x 8 block
  if (plane / most_expansion > bytes.size() || plane * channels > most_picture_bytes)
    fail<DataError>("[images] {}: {} x {} pixels are more than {} bytes can hold, or than one picture may have", file,
                    width, height, bytes.size());
  std::vector<std::uint8_t> numbers(plane * channels);
  reader.rows(numbers, width * channels);
  return picture_of(numbers, channels, channels, height, width, false);
}

}  // namespace glocal::datasets

#else

namespace glocal::datasets {

bool reads_jpeg() { return false; }

Picture parse_jpeg(std::string_view, std::string_view file) {
  fail<DataError>(
      "[images] {}: a JPEG picture, which this build does not read; apt-get install libjpeg-dev and configure again",
      file);
}

}  // namespace glocal::datasets

#endif

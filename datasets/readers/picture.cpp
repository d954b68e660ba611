#include <glocal/datasets/readers/picture.h>

#include <string_view>

#include <glocal/core/error.h>
#include <glocal/datasets/readers/payload.h>

namespace glocal::datasets {

PictureKind picture_kind(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG")) return PictureKind::png;
  return bytes.starts_with("\xff\xd8\xff") ? PictureKind::jpeg : PictureKind::other;
}

Picture parse_picture(std::string_view bytes, std::string_view file) {
  const PictureKind kind = picture_kind(bytes);
  if (kind == PictureKind::png) return parse_png(bytes, file);
  if (kind == PictureKind::jpeg) return parse_jpeg(bytes, file);
  fail<DataError>("[images] {}: expected a PNG or JPEG picture, found {} bytes of something else: {}", file,
                  bytes.size(), describe_content(bytes));
}

}  // namespace glocal::datasets

#include <glocal/datasets/readers/gzip.h>

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/error.h>

namespace glocal::datasets {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

enum Wrapper { of_zlib = MAX_WBITS, of_gzip = MAX_WBITS + 16 };

/// zlib's stream with its lifetime; takes one gzip member, or one zlib stream, and checks its sums.
class Inflater {
 public:
  Inflater(std::string_view compressed, std::string_view file, Wrapper wrapper) : rest_(compressed), file_(file) {
    if (inflateInit2(&stream_, wrapper) != Z_OK) fail<MemoryError>("[gzip] {}: zlib has no memory", file);
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool done() const { return done_; }
  std::size_t unread() const { return rest_.size() + stream_.avail_in; }

  /// Appends up to `count` bytes to out; throws DataError when the stream is corrupt or ends too early.
  template <class Bytes>
  void append(Bytes& out, std::size_t count) {
    const std::size_t before = out.size();
    out.resize(before + count);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_.avail_out = static_cast<uInt>(count);
    while (stream_.avail_out > 0 && !done_) step();
    out.resize(out.size() - stream_.avail_out);
  }

 private:
  void step() {
    if (stream_.avail_in == 0) {  // avail_in holds 32 bits only: hand the file over in pieces
      const std::size_t piece = std::min(rest_.size(), chunk_bytes);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));
      stream_.avail_in = static_cast<uInt>(piece);
      rest_.remove_prefix(piece);
    }
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      done_ = true;
    } else if (code == Z_BUF_ERROR) {  // no input left, and more is needed
      fail<DataError>("[gzip] {}: truncated: the compressed stream stops before its end; fetch the file again", file_);
    } else if (code != Z_OK) {
      fail<DataError>("[gzip] {}: corrupt after {} bytes: {}; fetch the file again", file_, stream_.total_out,
                      stream_.msg ? stream_.msg : "bad stream");
    }
  }

  z_stream stream_{};
  std::string_view rest_, file_;
  bool done_ = false;
};

template <class Bytes>
Bytes unpack(std::string_view compressed, std::string_view file, std::int64_t max_bytes, Wrapper wrapper = of_gzip) {
  if (max_bytes < 0) fail<ValueError>("[gzip] {}: max_bytes must be >= 0, got {}", file, max_bytes);
  const auto limit = static_cast<std::size_t>(max_bytes);
  Inflater inflater(compressed, file, wrapper);
  Bytes out;
  const std::size_t piece = std::clamp<std::size_t>(4 * compressed.size(), 4096, chunk_bytes);
  while (!inflater.done()) {
    inflater.append(out, std::min(piece, limit + 1 - out.size()));  // one byte more shows an overlong payload
    if (out.size() > limit) fail<DataError>("[gzip] {}: unpacks to more than the {} bytes expected", file, max_bytes);
  }
  if (inflater.unread() > 0)
    fail<DataError>("[gzip] {}: {} bytes follow the end of the compressed stream, expected none", file,
                    inflater.unread());
  return out;
}

std::string unpack_start(std::string_view compressed, std::string_view file, std::int64_t count, Wrapper wrapper) {
  Inflater inflater(compressed, file, wrapper);
  std::string out;
  inflater.append(out, static_cast<std::size_t>(count));
  return out;
}

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

std::string gunzip(std::string_view compressed, std::string_view file, std::int64_t max_bytes) {
  return unpack<std::string>(compressed, file, max_bytes);
}

std::vector<std::uint8_t> gunzip_bytes(std::string_view compressed, std::string_view file, std::int64_t max_bytes) {
  return unpack<std::vector<std::uint8_t>>(compressed, file, max_bytes);
}

std::string gunzip_start(std::string_view compressed, std::string_view file, std::int64_t count) {
  return unpack_start(compressed, file, count, of_gzip);
}

std::string inflate_zlib(std::string_view compressed, std::string_view file, std::int64_t max_bytes) {
  return unpack<std::string>(compressed, file, max_bytes, of_zlib);
}

std::string inflate_zlib_start(std::string_view compressed, std::string_view file, std::int64_t count) {
  return unpack_start(compressed, file, count, of_zlib);
}

}  // namespace glocal::datasets

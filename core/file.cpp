#include <glocal/core/file.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include <glocal/core/error.h>

namespace glocal {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  bool close() { return number_ < 0 || ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

std::string reason() { return std::generic_category().message(errno); }

// Calls transfer(done) until `total` bytes are through or it returns 0 or an error; returns what got through.
template <class Transfer>
std::size_t transfer_all(std::size_t total, Transfer transfer) {
  std::size_t done = 0;
  while (done < total) {
    const ssize_t count = transfer(done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::string read_file(const std::string& path, std::int64_t max_bytes) {
  Descriptor file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (!file || ::fstat(file.number(), &status) != 0) fail<IoError>("[read_file] cannot open {}: {}", path, reason());
  if (!S_ISREG(status.st_mode)) fail<IoError>("[read_file] {} is not a regular file", path);
  if (status.st_size > max_bytes)
    fail<DataError>("[read_file] {} has {} bytes, at most {} are expected", path, status.st_size, max_bytes);
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  errno = 0;
  const std::size_t got = transfer_all(
      bytes.size(), [&](std::size_t done) { return ::read(file.number(), bytes.data() + done, bytes.size() - done); });
  if (got != bytes.size())
    fail<IoError>("[read_file] {} gave {} of its {} bytes: {}", path, got, bytes.size(),
                  errno ? reason() : "it became shorter while it was read");
  return bytes;
}

void write_file_atomically(const std::string& path, std::string_view bytes) {
  static std::atomic<unsigned> serial{0};
  const std::string temporary = fmt::format("{}.tmp.{}.{}", path, ::getpid(), serial++);
  Descriptor file(temporary, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) fail<IoError>("[write_file] cannot create {}: {}", temporary, reason());
  const auto give_up = [&](std::string_view step) {
    const std::string why = reason();
    ::unlink(temporary.c_str());
    fail<IoError>("[write_file] cannot {} {} ({} bytes): {}", step, path, bytes.size(), why);
  };
  const std::size_t written = transfer_all(
      bytes.size(), [&](std::size_t done) { return ::write(file.number(), bytes.data() + done, bytes.size() - done); });
  if (written != bytes.size()) give_up("write");
  if (::fsync(file.number()) != 0) give_up("flush");
  if (!file.close()) give_up("close");
  if (::rename(temporary.c_str(), path.c_str()) != 0) give_up("replace");
  Descriptor folder(folder_of(path), O_RDONLY | O_DIRECTORY);
  // Some file systems cannot flush a folder and say EINVAL; the file itself is safe by then.
  if (!folder || (::fsync(folder.number()) != 0 && errno != EINVAL))
    fail<IoError>("[write_file] {} is written, but its folder could not be flushed: {}", path, reason());
}

}  // namespace glocal

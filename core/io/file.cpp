#include <glocal/core/io/file.h>

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <glocal/core/error.h>

namespace glocal {
namespace {

// Calls a system call again for as long as a signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags)
      : number_(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); })) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  bool flush() {
    return uninterrupted([&] { return ::fsync(number_); }) == 0;
  }
  /// Linux closes a descriptor also when a signal interrupts it.
  bool close() { return number_ < 0 || ::close(std::exchange(number_, -1)) == 0 || errno == EINTR; }

 private:
  int number_;
};

std::string reason() { return std::generic_category().message(errno); }

// A new file of a name nobody else has; gone at the end unless it was renamed.
class Temporary {
 public:
  explicit Temporary(const std::string& path) : path_(next_name(path)), file_(path_, O_WRONLY | O_CREAT | O_EXCL) {
    if (!file_) fail<IoError>("[write_file] cannot create {}: {}", path_, reason());
  }
  ~Temporary() {
    if (!renamed_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  const std::string& path() const { return path_; }
  Descriptor& file() { return file_; }
  bool rename_to(const std::string& path) { return renamed_ = ::rename(path_.c_str(), path.c_str()) == 0; }

 private:
  // In a container a process may have the number of one that was killed there and left its file.
  static std::string next_name(const std::string& path) {
    static std::atomic<unsigned> serial{0};
    std::string name;
    struct stat status {};
    do name = fmt::format("{}.tmp.{}.{}", path, ::getpid(), serial++);
    while (::lstat(name.c_str(), &status) == 0);
    return name;
  }

  std::string path_;
  Descriptor file_;
  bool renamed_ = false;
};

// Calls transfer(done) until `total` bytes are through or it returns 0 or an error; returns what got through, and
// leaves errno at zero unless it was an error.
template <class Transfer>
std::size_t transfer_all(std::size_t total, Transfer transfer) {
  std::size_t done = 0;
  while (done < total) {
    const ssize_t count = uninterrupted([&] { return transfer(done); });
    if (count < 0) return done;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  errno = 0;
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
  const std::size_t got = transfer_all(
      bytes.size(), [&](std::size_t done) { return ::read(file.number(), bytes.data() + done, bytes.size() - done); });
  if (got != bytes.size())
    fail<IoError>("[read_file] {} gave {} of its {} bytes: {}", path, got, bytes.size(),
                  errno ? reason() : "it became shorter while it was read");
  return bytes;
}

void write_file_atomically(const std::string& path, std::string_view bytes,
                           const std::function<void(const std::string& temporary)>& check) {
  // Opened first: what can fail fails before the old file is replaced.
  Descriptor folder(folder_of(path), O_RDONLY | O_DIRECTORY);
  if (!folder) fail<IoError>("[write_file] cannot create {}: its folder: {}", path, reason());
  Temporary temporary(path);
  Descriptor& file = temporary.file();
  const auto give_up = [&](std::string_view step) {
    fail<IoError>("[write_file] cannot {} {} ({} bytes): {}", step, path, bytes.size(), reason());
  };
  const std::size_t written = transfer_all(
      bytes.size(), [&](std::size_t done) { return ::write(file.number(), bytes.data() + done, bytes.size() - done); });
  if (written != bytes.size()) give_up("write");
  if (!file.flush()) give_up("flush");
  if (!file.close()) give_up("close");
  if (check) check(temporary.path());
  if (!temporary.rename_to(path)) give_up("replace");
  // Some file systems cannot flush a folder and say EINVAL; the file itself is safe by then.
  if (!folder.flush() && errno != EINVAL)
    fail<IoError>("[write_file] {} is written, but its folder could not be flushed: {}", path, reason());
}

void check_written(const std::string& path, std::string_view bytes) {
  Descriptor file(path, O_RDONLY);
  if (!file) fail<IoError>("[check_written] cannot open {}: {}", path, reason());
  ::posix_fadvise(file.number(), 0, 0, POSIX_FADV_DONTNEED);
  std::string part(std::size_t{1} << 16, '\0');  // small, so that the heap need not grow for it
  for (std::size_t at = 0; at <= bytes.size(); at += part.size()) {
    const std::string_view wanted = bytes.substr(at, part.size());
    const std::size_t got = transfer_all(  // one byte more than wanted at the end: there must be none
        std::min(wanted.size() + 1, part.size()),
        [&](std::size_t done) { return ::read(file.number(), part.data() + done, part.size() - done); });
    if (errno) fail<IoError>("[check_written] cannot read {}: {}", path, reason());
    if (std::string_view(part).substr(0, got) != wanted)
      fail<IoError>(
          "[check_written] {} does not hold the {} bytes written to it, first between byte {} and {}; the disk or "
          "the memory is failing",
          path, bytes.size(), at, at + part.size());
  }
}

bool is_temporary_name(std::string_view name) {
  const auto number = [&] {  // takes .DIGITS off the end
    const auto dot = name.rfind('.');
    const std::string_view digits = dot == std::string_view::npos ? "" : name.substr(dot + 1);
    name = name.substr(0, dot == std::string_view::npos ? 0 : dot);
    return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return number() && number() && name.ends_with(".tmp") && name.size() > 4;
}

void remove_stale_temporaries(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!is_temporary_name(name)) continue;
    const auto last = name.rfind('.'), before = name.rfind('.', last - 1);
    int pid = 0;
    std::from_chars(name.data() + before + 1, name.data() + last, pid);
    const bool gone = pid == ::getpid() || (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH);
    if (gone && ::unlink(entry->path().c_str()) != 0 && errno != ENOENT)
      fail<IoError>("[remove_stale_temporaries] cannot remove {}: {}", entry->path().string(), reason());
  }
  if (error) fail<IoError>("[remove_stale_temporaries] cannot list {}: {}", folder, error.message());
}

}  // namespace glocal

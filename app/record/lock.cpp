#include <glocal/app/record/lock.h>

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <glocal/core/error.h>

namespace glocal::app {
namespace {

std::string reason() { return std::generic_category().message(errno); }

std::string host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "this host";
}

// What the holder wrote about itself. It may just be about to: nothing is there, or what one that was killed has left.
std::string holder(int descriptor) {
  std::string line;
  for (int i = 0; i < 100; ++i) {
    std::array<char, 300> text{};
    const ssize_t count = ::pread(descriptor, text.data(), text.size() - 1, 0);
    line.assign(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    line.resize(std::min(line.find('\n'), line.size()));
    int number = 0;
    if (std::sscanf(line.c_str(), "process %d", &number) == 1 && (::kill(number, 0) == 0 || errno == EPERM)) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return line.empty() ? "another process" : line;
}

// Whether the file that was opened is still the one of that name: its last holder may have removed it meanwhile.
bool is_still_there(int descriptor, const std::filesystem::path& path) {
  struct stat opened {
  }, named{};
  return ::fstat(descriptor, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

}  // namespace

void FolderLock::take(const std::filesystem::path& folder) {
  if (const std::string who = take_or_holder(folder); !who.empty())
    fail<ValueError>("[lock] {} is in use by {}; wait until that has ended, or give another --out", folder.string(),
                     who);
}

std::string FolderLock::take_or_holder(const std::filesystem::path& folder) {
  if (descriptor_ >= 0) return "";
  const std::filesystem::path path = folder / file_name;
  for (;;) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (descriptor < 0 && errno == ELOOP)
      fail<IoError>("[lock] {} is a symbolic link, which is not followed; remove it", path.string());
    if (descriptor < 0) fail<IoError>("[lock] cannot create {}: {}", path.string(), reason());
    struct stat status {};
    if (::fstat(descriptor, &status) == 0 && (!S_ISREG(status.st_mode) || status.st_nlink > 1)) {
      ::close(descriptor);
      fail<IoError>("[lock] {} is no file of its own but {}; remove it", path.string(),
                    S_ISREG(status.st_mode) ? "a link to another one" : "something else");
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int why = errno;
      const std::string who = holder(descriptor);
      ::close(descriptor);
      errno = why;
      if (why == EWOULDBLOCK) return who;
      fail<IoError>("[lock] cannot lock {}: {}", path.string(), reason());
    }
    descriptor_ = descriptor;
    if (is_still_there(descriptor, path)) break;
    ::close(std::exchange(descriptor_, -1));
  }
  path_ = std::filesystem::absolute(path);
  const std::string line = fmt::format("process {} on {}\n", ::getpid(), host());
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::pwrite(descriptor_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
    const std::string why = reason();
    ::unlink(path_.c_str());
    ::close(std::exchange(descriptor_, -1));
    fail<IoError>("[lock] cannot write {}: {}", path_.string(), why);
  }
  return "";
}

std::string FolderLock::holder_of(const std::filesystem::path& folder) {
  const int descriptor = ::open((folder / file_name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return "";
  const bool held = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  const std::string who = held ? holder(descriptor) : "";
  ::close(descriptor);
  return who;
}

FolderLock::~FolderLock() { release(); }

void FolderLock::release() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());  // while it is still locked: nobody else's file of that name can be meant
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace glocal::app

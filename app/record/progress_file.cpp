#include <glocal/app/record/progress_file.h>

#include <fcntl.h>
#include <fmt/core.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <string>

#include <glocal/app/settings/json_record.h>
#include <glocal/app/settings/json_text.h>

namespace glocal::app {

double Standing::rate() const { return seconds > 0 ? static_cast<double>(done - before) / seconds : 0; }

double Standing::seconds_left() const { return rate() > 0 ? static_cast<double>(total - done) / rate() : NAN; }

ProgressFile::ProgressFile(const std::filesystem::path& folder)
    : path_((std::filesystem::absolute(folder) / name).string()) {}

ProgressFile::~ProgressFile() { ::unlink(path_.c_str()); }

void ProgressFile::write(const Standing& standing) {
  first_ = false;
  since_written_.restart();
  const std::string text = json_dump(written(standing)) + "\n",
                    temporary = fmt::format("{}.tmp.{}.0", path_, ::getpid());
  ::unlink(temporary.c_str());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (file < 0) return;
  const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  if (!whole || ::rename(temporary.c_str(), path_.c_str()) != 0) ::unlink(temporary.c_str());
}

}  // namespace glocal::app

#include <glocal/app/record/progress_file.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>

#include <glocal/app/settings/json_record.h>
#include <glocal/app/settings/json_text.h>

namespace glocal::app {

double Standing::rate() const { return seconds > 0 ? static_cast<double>(done - before) / seconds : 0; }

double Standing::seconds_left() const { return rate() > 0 ? static_cast<double>(total - done) / rate() : NAN; }

ProgressFile::ProgressFile(const std::filesystem::path& folder)
    : path_((std::filesystem::absolute(folder) / name).string()) {
  ::unlink(path_.c_str());
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
}

ProgressFile::~ProgressFile() {
  if (file_ < 0) return;
  ::unlink(path_.c_str());
  ::close(file_);
}

void ProgressFile::write(const Standing& standing) {
  first_ = false;
  since_written_.restart();
  if (file_ < 0) return;
  std::string text = json_dump(written(standing));
  length_ = std::max(length_, text.size());
  text.resize(length_, ' ');  // the end of an older, longer text
  text += '\n';
  [[maybe_unused]] const auto written_now = ::pwrite(file_, text.data(), text.size(), 0);  // the next one may succeed
}

}  // namespace glocal::app

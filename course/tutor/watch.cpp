#include <poll.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <tuple>

#include <glocal/core/error.h>
#include <glocal/course/tutor/lesson.h>

namespace glocal::tutor {
namespace {

volatile std::sig_atomic_t leave = 0;
extern "C" void ask_to_leave(int) { leave = 1; }

// Single keys without Enter; the terminal is as before afterwards.
class Keys {
 public:
  Keys() {
    tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  ~Keys() { tcsetattr(STDIN_FILENO, TCSANOW, &before_); }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  /// The key pressed within `milliseconds`, 0 when none was, 'q' when the terminal is gone.
  char wait(int milliseconds) const {
    pollfd ready{STDIN_FILENO, POLLIN, 0};
    if (poll(&ready, 1, milliseconds) <= 0) return 0;
    char key = 'q';
    return read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
  }

 private:
  termios before_{};
};

// Editors write in place, or a new file and rename it: any change of inode, size or time is a save.
using Version = std::tuple<ino_t, off_t, std::int64_t, std::int64_t>;
std::optional<Version> version_of(const std::filesystem::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return std::nullopt;  // between two steps of a save
  return Version{status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

constexpr const char* keys_line = "\nh hint  n next  l list  r run  x reset  q quit   (runs again when you save)\n";

}  // namespace

int Lesson::watch() {
  struct sigaction action {};
  action.sa_handler = ask_to_leave;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  const Keys keys;
  std::optional<Version> seen;
  bool run_now = true;
  while (!leave) {
    if (run_now) {
      prepare(progress.current());
      seen = version_of(progress.current().work());  // before the run: a save during it starts another
      print(paint_.on ? "\033[2J\033[H" : "\n");
      run(false);
      print(paint_.quiet(keys_line));
      run_now = false;
    }
    switch (keys.wait(100)) {
      case 'h': hint(); break;
      case 'l': list(); break;
      case 'n':
        run_now = progress.next();
        if (!run_now) print("Nothing is left: all exercises pass.\n");
        break;
      case 'x':
        print("Start this exercise again? y or n\n");
        if (keys.wait(60'000) == 'y') run_now = reset() == passed;
        break;
      case 'r': run_now = true; break;
      case 'q': return passed;
      default: break;
    }
    const auto now = version_of(progress.current().work());
    if (now && now != seen) run_now = true;
  }
  return passed;
}

}  // namespace glocal::tutor

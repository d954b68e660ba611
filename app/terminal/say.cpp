#include <glocal/app/terminal/say.h>

#include <fcntl.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include <glocal/core/text/printable.h>

namespace glocal::app {

void say_text(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  std::clearerr(stderr);
}

void print_saved(std::string_view text, const std::string& place) {
  errno = 0;
  const std::size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written == text.size() && std::fflush(stdout) == 0) return;
  const int why = errno;
  __fpurge(stdout);  // or the end of the process tries again
  std::clearerr(stdout);
  if (why != EPIPE)
    say("glocal: cannot write to the standard output: {}; the results are in {}\n",
        std::generic_category().message(why), printable(place));
}

void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", O_RDONLY);  // takes the least free number
}

}  // namespace glocal::app

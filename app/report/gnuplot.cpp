#include <glocal/app/report/gnuplot.h>

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include <glocal/core/error.h>
#include <glocal/core/io/process.h>

namespace glocal::app {

bool gnuplot_found() {
  const char* path = std::getenv("PATH");
  std::string_view folders = path ? path : "";
  while (!folders.empty()) {
    const auto colon = folders.find(':');
    const std::string program = std::string(folders.substr(0, colon)) + "/gnuplot";
    if (::access(program.c_str(), X_OK) == 0) return true;
    folders = colon == std::string_view::npos ? "" : folders.substr(colon + 1);
  }
  return false;
}

std::string run_gnuplot(const std::string& script) {
  const Finished ran = run_process({"gnuplot", "-d"}, {.input = script,
                                                       .output = ProcessOptions::Output::apart,
                                                       .if_missing = "install it with: apt-get install gnuplot-nox"});
  if (!ran.well()) fail<IoError>("[plot] gnuplot failed ({}): {}", ran.ending(), ran.errors);
  return ran.output;
}

}  // namespace glocal::app

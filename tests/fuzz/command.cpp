// Command lines, one argument a line, parsed without running anything.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include <glocal/app/command/command.h>

#include "fuzz.h"

using namespace glocal;

namespace {

struct Parser {
  CLI::App app{"fuzzed", "glocal"};

  Parser() {
    app::add_commands(app);
    // Ends before a command runs. Its own callback stays: it alone holds the command's options.
    app.parse_complete_callback([] { throw CLI::Success(); });
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Parser parser;  // CLI11 forgets one command line before the next
  std::vector<std::string> arguments(1);
  for (const char c : fuzz::text_of(data, size)) {
    if (c == '\n')
      arguments.emplace_back();
    else
      arguments.back().push_back(c);
  }
  std::reverse(arguments.begin(), arguments.end());  // the order CLI11 wants
  try {
    parser.app.parse(arguments);
  } catch (const CLI::Error& error) {
    fuzz::demand(error.get_exit_code() == 0 || error.what()[0] != '\0', "an error without words");
  } catch (const Error& error) {  // holds the argument as it is; main() makes it fit for a terminal
    fuzz::demand(error.what()[0] == '[', "an error that does not say where");
  }
  return 0;
}

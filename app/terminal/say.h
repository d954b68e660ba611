// Words while work goes on and after it: best effort. A stream that is closed or full stops no run and changes no exit
// code of work whose results stand in files.
#pragma once
#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace glocal::app {

/// To stderr, as it is; what cannot be written is dropped.
void say_text(std::string_view text);
template <class... A>
void say(fmt::format_string<A...> format, A&&... arguments) {
  say_text(fmt::format(format, std::forward<A>(arguments)...));
}

/// What is printed of results that stand in `place` too. Where the standard output takes nothing that is said on
/// stderr, unless its reader has seen enough and is gone.
void print_saved(std::string_view text, const std::string& place);

/// A standard stream that is closed is opened on /dev/null, for reading alone: no file of a run gets its number, and
/// writing to it still fails.
void open_standard_streams();

}  // namespace glocal::app

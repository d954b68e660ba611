// Text from outside on its way to a terminal.
#pragma once
#include <string>
#include <string_view>

namespace glocal {

/// The text with everything that could drive a terminal or hide other text written as \xNN: control characters, bytes
/// that are not UTF-8, and Unicode's marks of direction. Line ends stay only when asked.
std::string printable(std::string_view text, bool keep_lines = false);

}  // namespace glocal

// Letters of names and words in one case, where case does not matter.
#pragma once
#include <string>
#include <string_view>

namespace glocal {

/// ASCII letters made small; other bytes stay as they are, whatever the locale.
inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace glocal

// What every fuzz target shares: only glocal's own errors may escape a reader, and their words must be fit for a
// terminal; what was read must be written and read again to the same.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <glocal/core/error.h>
#include <glocal/core/text/printable.h>

namespace glocal::fuzz {

/// Ends the program with the reason: a finding.
inline void demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Runs read(); an Error is a right answer when it names its place and holds no control characters.
template <class Read>
void expect_typed_errors(Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    const std::string_view what = error.what();
    demand(what.starts_with('['), "an error that does not say where");
    demand(printable(what, /*keep_lines=*/true) == what, "an error with control characters");
    demand(what.size() < 10000, "an error longer than a page");
  }
}

}  // namespace glocal::fuzz

// What is said of a name that nobody knows: the one that was probably meant, and where all of them are listed.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace glocal {

/// The known name that is closest to `name`: at most two letters away (left out, put in, changed, or two neighbours
/// swapped: the restricted distance of Damerau and Levenshtein; one letter for names of up to three), else the first
/// that begins with it; capitals count as small letters, and - _ . and spaces not at all. Empty when there is none.
std::string nearest(std::string_view name, const std::vector<std::string>& known);

/// `"trian" is no command; did you mean train? (glocal --help)`: `kind` is what the name should have been, `all` where
/// all are listed. A short list of known names stands in its place.
std::string unknown_name(std::string_view name, std::string_view kind, const std::vector<std::string>& known,
                         std::string_view all);

}  // namespace glocal

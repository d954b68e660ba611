#include <glocal/core/text/nearest.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/text/printable.h>

namespace glocal {
namespace {

constexpr std::size_t longest = 64;  // of a name that is compared: longer ones are no slip of the hand

// Small letters without what separates words: "--Weight_Decay" is "weightdecay".
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-' || c == '_' || c == '.' || c == ' ') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

// Restricted Damerau-Levenshtein distance, d(i, j) of the first i and j letters.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  const std::string wanted = plain(name);
  if (wanted.empty() || name.size() > longest) return "";
  std::string best;
  std::size_t least = 3;
  for (const std::string& each : known) {
    if (each.size() > longest) continue;
    const std::string known_letters = plain(each);
    const std::size_t allowed = std::max(known_letters.size(), wanted.size()) > 3 ? 2 : 1;
    const std::size_t d = distance(wanted, known_letters);
    if (d <= allowed && d < least) least = d, best = each;
  }
  if (!best.empty()) return best;
  const auto begins = std::find_if(known.begin(), known.end(),
                                   [&](const std::string& each) { return plain(each).starts_with(wanted); });
  return begins == known.end() ? "" : *begins;
}

std::string unknown_name(std::string_view name, std::string_view kind, const std::vector<std::string>& known,
                         std::string_view all) {
  constexpr std::size_t short_list = 48;
  std::string text = fmt::format("\"{}\" is no {}", printable(name.substr(0, longest)), kind);
  const std::string close = nearest(name, known), names = fmt::format("{}", fmt::join(known, ", "));
  if (!close.empty()) text += fmt::format("; did you mean {}?", close);
  if (names.size() <= short_list || all.empty()) return text + fmt::format(" (there are: {})", names);
  return text + fmt::format(" ({} shows all)", all);
}

}  // namespace glocal

#include <glocal/app/dmd/series_lines.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <glocal/core/text/lower.h>
#include <glocal/core/text/printable.h>

namespace glocal::app {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

// Blanks of other kinds, signs and quotes that may stand before a number: no-break, thin and narrow blanks, the byte
// order mark, minus U+2212, dashes, currencies.
std::string_view without_decoration(std::string_view text) {
  constexpr std::array<std::string_view, 20> decoration = {" ",
                                                           "\"",
                                                           "'",
                                                           "(",
                                                           "[",
                                                           "+",
                                                           "-",
                                                           "$",
                                                           "<",
                                                           "=",
                                                           ">",
                                                           "~",
                                                           "\xC2\xA0",
                                                           "\xC2\xA3",
                                                           "\xE2\x80\xAF",
                                                           "\xE2\x80\x89",
                                                           "\xEF\xBB\xBF",
                                                           "\xE2\x88\x92",
                                                           "\xE2\x80\x93",
                                                           "\xE2\x82\xAC"};
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view one : decoration)
      if (text.starts_with(one)) text.remove_prefix(one.size()), found = true;
  }
  return text;
}

// #N/A, #NV, #DIV/0!, #VALUE!, #NAME?: capitals, digits and slashes, and a mark at the end or nothing after them.
bool is_spreadsheet_error(std::string_view field) {
  if (!field.starts_with('#') || field.size() < 3) return false;
  const std::string_view word = field.substr(1);
  if (word.starts_with("N/A")) return true;
  const bool marked = word.ends_with('!') || word.ends_with('?');
  const std::string_view capitals = word.substr(0, word.size() - (marked ? 1 : 0));
  if (!marked && word != "NA" && word != "NV" && word != "N/D") return false;
  return std::all_of(capitals.begin(), capitals.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || c == '/' || c == '_' || is_digit(c); });
}

}  // namespace

Lines::Lines(std::string_view bytes) : bytes_(bytes) {
  if (bytes_.starts_with("\xEF\xBB\xBF")) bytes_.remove_prefix(3);
  line_feed_ = std::min(bytes_.find('\n'), bytes_.size());
  carriage_return_ = std::min(bytes_.find('\r'), bytes_.size());
}

std::optional<std::string_view> Lines::next() {
  if (at_ == bytes_.size()) return std::nullopt;
  const std::size_t stop = std::min(line_feed_, carriage_return_);
  const std::string_view line = bytes_.substr(at_, stop - at_);
  at_ = std::min(stop + (line_feed_ == stop + 1 && carriage_return_ == stop ? 2 : 1), bytes_.size());
  if (line_feed_ < at_) line_feed_ = std::min(bytes_.find('\n', at_), bytes_.size());
  if (carriage_return_ < at_) carriage_return_ = std::min(bytes_.find('\r', at_), bytes_.size());
  ++number_;
  return line;
}

Fields::Fields(std::string_view line, char separator)
    : rest_(trimmed(line)), separator_(separator), left_(separator != ' ' || !rest_.empty()) {}

std::optional<Field> Fields::next() {
  if (!left_) return std::nullopt;
  Field field;
  rest_ = trimmed(rest_);
  std::size_t stop = 0;
  if (rest_.starts_with('"')) {  // to the closing quote; two of them are a quote in the text
    stop = 1;
    while ((stop = rest_.find('"', stop)) != std::string_view::npos && rest_.substr(stop, 2) == "\"\"") stop += 2;
    const std::string_view text = stop == std::string_view::npos ? "" : rest_.substr(1, stop - 1);
    const std::size_t after = stop == std::string_view::npos ? stop : rest_.find_first_not_of(' ', stop + 1);
    const bool closed =
        stop != std::string_view::npos &&
        (after == std::string_view::npos || rest_[after] == separator_ || (separator_ == ' ' && after > stop + 1));
    if (closed) field = {trimmed(text), true};
    stop = closed ? stop + 1 : 0;
  }
  const std::size_t end = rest_.find(separator_, stop);
  if (!field.quoted) field.text = trimmed(rest_.substr(0, end));
  left_ = end != std::string_view::npos;
  if (left_) rest_.remove_prefix(end + 1);
  if (separator_ == ' ') left_ = left_ && !(rest_ = trimmed(rest_)).empty();
  return field;
}

LineKind kind_of(std::string_view line, char separator) {
  if (line.find_first_not_of(separator == '\t' ? " " : " \t") == std::string_view::npos) return LineKind::blank;
  const std::string_view text = trimmed(line);
  if (text.size() == 5 && lower(text.substr(0, 4)) == "sep=") return LineKind::comment;
  if (text.starts_with('%')) return LineKind::comment;
  if (!text.starts_with('#')) return LineKind::fields;
  return is_spreadsheet_error(Fields(text, separator).next()->text) ? LineKind::fields : LineKind::comment;
}

char separator_of(std::string_view bytes) {
  constexpr std::string_view order = "\t;|,";
  std::size_t best = order.size();
  Lines lines(bytes);
  while (const auto line = lines.next()) {
    // A comment may hold any of them, and so may a line of blanks hold tabs.
    if (kind_of(*line, ' ') != LineKind::fields) continue;
    const bool quotes = line->find('"') != std::string_view::npos;
    for (std::size_t i = 0; i < best && !quotes; ++i)
      if (line->find(order[i]) != std::string_view::npos) best = i;
    bool quoted = false;
    for (std::size_t k = 0; quotes && k < line->size(); ++k) {
      if ((*line)[k] == '"') quoted = !quoted;
      if (!quoted) best = std::min(best, order.find((*line)[k]));
    }
    if (best == 0) break;
  }
  return best < order.size() ? order[best] : ' ';
}

bool means_missing(std::string_view field) {
  constexpr std::array<std::string_view, 29> words = {
      "na",   "nan",  "n/a",    "n.a.", "null",  "nil", "none", "missing", "inf",  "infinity",
      "nat",  "<na>", "(null)", "void", "undef", "nv",  "n/d",  "k.a.",    "k.a",  "n.v.",
      "n.d.", "nd",   "empty",  "?",    ".",     "..",  "*",    "true",    "false"};
  if (field.empty() || is_spreadsheet_error(field)) return true;
  const std::string word = lower(field);
  if (std::all_of(word.begin(), word.end(), [](char c) { return c == '-'; })) return true;
  const std::string_view bare = std::string_view(word).substr(word.starts_with('-') || word.starts_with('+') ? 1 : 0);
  return std::find(words.begin(), words.end(), bare) != words.end() || bare.starts_with("nan(") || bare == "na_real_";
}

bool can_be_heading(std::string_view field) {
  const std::string_view word = without_decoration(field);
  if (field.empty() || word.empty() || means_missing(field) || means_missing(word)) return false;
  if (is_digit(word[0]) || (word.size() > 1 && (word[0] == '.' || word[0] == ',') && is_digit(word[1]))) return false;
  if (std::string_view("+-").find(field[0]) != std::string_view::npos) return false;
  // O.95: a letter typed for a digit.
  if (word.size() > 2 && std::string_view("OolI").find(word[0]) != std::string_view::npos &&
      (word[1] == '.' || word[1] == ',') && std::all_of(word.begin() + 2, word.end(), is_digit))
    return false;
  return std::any_of(word.begin(), word.end(), is_letter) &&
         std::none_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

std::string shown_field(std::string_view field) {
  return printable(field.substr(0, 40)) + (field.size() > 40 ? ".." : "");
}

}  // namespace glocal::app

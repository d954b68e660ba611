// The lines and fields of a table in text, and what a field is, before anything is believed to be a number.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace glocal::app {

/// Lines that end in LF, CR LF or CR, the last one with or without an end; a UTF-8 byte order mark is passed over.
class Lines {
 public:
  explicit Lines(std::string_view bytes);
  std::optional<std::string_view> next();
  std::int64_t number() const { return number_; }  ///< of the line last given, from 1

 private:
  std::string_view bytes_;
  std::size_t at_ = 0, line_feed_ = 0, carriage_return_ = 0;  // where the next line begins; the next of each from there
  std::int64_t number_ = 0;
};

struct Field {
  std::string_view text;  ///< without the blanks around it, and without its quotes
  bool quoted = false;
};

/// The fields of a line one after the other. `separator` ' ' is any number of blanks. Separators between double quotes
/// are text.
class Fields {
 public:
  Fields(std::string_view line, char separator);
  std::optional<Field> next();

 private:
  std::string_view rest_;
  char separator_;
  bool left_;
};

enum class LineKind { blank, comment, fields };
/// Comments begin with # or %; "sep=;", a spreadsheet's own remark, is one too. #N/A and #DIV/0! are fields.
LineKind kind_of(std::string_view line, char separator);

/// The one separator of a file: a tab, or else ; or | or , where any line has it outside of quotes, or else blanks.
char separator_of(std::string_view bytes);

/// Empty, or one of the words for no value: NA, NaN, NULL, -, #N/A, Inf ...
bool means_missing(std::string_view field);
/// A name: with a letter, not a word for a missing value, not beginning as a number does.
bool can_be_heading(std::string_view field);

/// A field for a message: printable, cut after 40 bytes.
std::string shown_field(std::string_view field);

}  // namespace glocal::app

#include <glocal/app/dmd/series_text.h>

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <glocal/app/dmd/series_lines.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>

namespace glocal::app {
namespace {

constexpr std::int64_t most_numbers = std::int64_t{1} << 23;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }
std::string_view without_sign(std::string_view text) {
  return text.substr(text.starts_with('+') || text.starts_with('-') ? 1 : 0);
}

// 1,234,567: up to three digits, not a single 0, then threes.
bool could_be_thousands(std::string_view text, char mark) {
  text = without_sign(text);
  const std::size_t first = text.find(mark);
  if (first == 0 || first > 3 || text[0] == '0') return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i < first || (i - first) % 4 != 0 ? !is_digit(text[i]) : text[i] != mark) return false;
  return (text.size() - first) % 4 == 0;
}

struct Number {
  std::optional<double> value;
  bool out_of_range = false;
};

// Digits with a point, or the file's comma, and an exponent after e, E or Fortran's d, D.
Number number(std::string_view field, char decimal) {
  std::string own;
  const bool comma = decimal == ',' && field.find(',') != std::string_view::npos;
  if (comma || field.find_first_of("dD") != std::string_view::npos) {
    own = field;
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (comma && own[i] == '.') return {};
      if (comma && own[i] == ',') own[i] = '.';
      if (i > 0 && (own[i] == 'd' || own[i] == 'D') && (is_digit(own[i - 1]) || own[i - 1] == '.')) own[i] = 'e';
    }
    field = own;
  }
  if (field.starts_with('+') && !field.starts_with("+-")) field.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (end != field.data() + field.size() || field.empty()) return {};
  if (problem == std::errc::result_out_of_range) return {std::nullopt, true};
  if (problem != std::errc{}) return {};
  return {value, false};
}

struct Place {
  std::int64_t line = 0, field = 0;
  std::string text;
};

// What is known of a file before its numbers are read.
struct Layout {
  char separator = ' ', decimal = '.';
  std::int64_t columns = 0, rows = 0, first_line = 0;
  std::optional<std::int64_t> heading;  // its line
};

class TextReader {
 public:
  TextReader(std::string_view bytes, const std::string& file, std::vector<std::string>* notes)
      : bytes_(bytes), file_(file), notes_(notes) {}

  Tensor read() {
    if (bytes_.starts_with("\xFF\xFE") || bytes_.starts_with("\xFE\xFF"))
      fail<DataError>("[dmd] {}:1: field 1 begins as UTF-16 does; save the file as UTF-8, or iconv -f UTF-16 -t UTF-8",
                      file_);
    layout_.separator = separator_of(bytes_);
    look();
    Tensor series({layout_.rows, layout_.columns}, DType::f64);
    double* row = series.data<double>();
    each_row([&](std::string_view line, std::int64_t at) {
      read_row(line, at, row);
      row += layout_.columns;
    });
    speak_of_whole_numbers();
    return series;
  }

 private:
  void note(std::int64_t line, const std::string& what) {
    if (notes_) notes_->push_back(fmt::format("{}:{}: {}", file_, line, what));
  }

  // Calls f(line, number) for the lines of numbers; a line in their midst that holds nothing goes to `gap`.
  template <class F, class Gap>
  void each_row(F&& f, Gap&& gap) const {
    Lines lines(bytes_);
    std::int64_t empty = 0;  // the first of the lines without anything since the last row
    bool any = false;
    while (const auto line = lines.next()) {
      const LineKind kind = kind_of(*line, layout_.separator);
      if (kind == LineKind::blank && any && empty == 0) empty = lines.number();
      if (kind != LineKind::fields || lines.number() == layout_.heading) continue;
      if (empty > 0) gap(empty);
      empty = 0;
      any = true;
      f(*line, lines.number());
    }
  }
  template <class F>
  void each_row(F&& f) const {
    each_row(f, [](std::int64_t) {});
  }

  std::int64_t count(std::string_view line) const {
    std::int64_t fields = 0;
    for (Fields all(line, layout_.separator); all.next();) ++fields;
    return fields;
  }

  // Heading, sizes, decimal mark.
  void look() {
    std::int64_t headed = 0;
    find_heading(headed);
    each_row(
        [&](std::string_view line, std::int64_t at) {
          if (layout_.rows++ == 0) {
            layout_.columns = count(line);
            layout_.first_line = at;
          }
          look_for_marks(line, at);
        },
        [&](std::int64_t at) {
          if (layout_.columns == 1)
            fail<DataError>("[dmd] {}:{}: field 1 is empty, a missing value between the snapshots before and after it",
                            file_, at);
          note(at, "an empty line between snapshots was passed over");
        });
    if (layout_.rows == 0) fail<DataError>("[dmd] {} holds no numbers; expected one snapshot per line", file_);
    if (layout_.columns > most_numbers / layout_.rows)
      fail<DataError>("[dmd] {}: expected at most {} numbers, found {} lines of {}", file_, most_numbers, layout_.rows,
                      layout_.columns);
    if (layout_.heading && headed != layout_.columns)
      fail<DataError>(
          "[dmd] {}:{}: the heading has {} fields, line {} has {}; expected a name for each column, no row names (R: "
          "row.names = FALSE) and decimal points",
          file_, *layout_.heading, headed, layout_.first_line, layout_.columns);
    decide_decimal_mark();
  }

  void find_heading(std::int64_t& fields) {
    Lines lines(bytes_);
    while (const auto line = lines.next()) {
      if (kind_of(*line, layout_.separator) != LineKind::fields) continue;
      Fields all(*line, layout_.separator);
      std::int64_t names = 0;
      for (auto field = all.next(); field; field = all.next(), ++fields) names += can_be_heading(field->text);
      if (names == fields) {
        layout_.heading = lines.number();
        note(lines.number(), fmt::format("\"{}\" was taken for a heading", shown_field(*line)));
      } else if (names > 0) {
        half_heading_ = lines.number();
      }
      return;
    }
  }

  void look_for_marks(std::string_view line, std::int64_t at) {
    if (line.find_first_of(layout_.separator == ',' ? "." : ".,") == std::string_view::npos &&
        line.find('"') == std::string_view::npos)
      return;
    std::int64_t k = 0;
    Fields all(line, layout_.separator);
    while (const auto field = all.next()) {
      ++k;
      const bool comma = field->text.find(',') != std::string_view::npos;
      if (!comma && field->text.find('.') == std::string_view::npos) continue;
      if (field->text.find_first_not_of("0123456789+-.,eEdD") != std::string_view::npos) continue;
      Place& first = comma ? comma_ : point_;
      if (first.line == 0) first = {at, k, shown_field(field->text)};
      const bool sure = !could_be_thousands(field->text, comma ? ',' : '.');
      (comma ? sure_comma_ : sure_point_) |= sure;
    }
  }

  void decide_decimal_mark() {
    if (comma_.line == 0) {
      if (layout_.separator == ';' && point_.line > 0 && !sure_point_)
        note(point_.line, fmt::format("field {} is \"{}\": its point was read as a decimal point, not as thousands",
                                      point_.field, point_.text));
      return;
    }
    if (point_.line > 0)
      fail<DataError>(
          "[dmd] {}:{}: field {} is \"{}\", but field {} of line {} is \"{}\"; expected one decimal mark, no "
          "thousands separators",
          file_, comma_.line, comma_.field, comma_.text, point_.field, point_.line, point_.text);
    if (!sure_comma_)
      fail<DataError>(
          "[dmd] {}:{}: field {} is \"{}\", with a decimal comma or with thousands; expected a decimal point", file_,
          comma_.line, comma_.field, comma_.text);
    layout_.decimal = ',';
  }

  // The numbers of one line, which must be as many as the first line has.
  void read_row(std::string_view line, std::int64_t at, double* row) {
    std::int64_t k = 0;
    bool first_quoted = false;
    std::string_view before;
    Fields all(line, layout_.separator);
    for (auto field = all.next(); field; field = all.next(), ++k) {
      const double value = value_of(field->text, at, k + 1);
      if (k < layout_.columns) row[k] = value;
      if (k == 0) first_quoted = field->quoted;
      if (k > 0 && first_quoted && !field->quoted)
        fail<DataError>(
            "[dmd] {}:{}: field 1 is quoted and field {} is not, as row names are; write the table without "
            "them (R: row.names = FALSE)",
            file_, at, k + 1);
      if (whole_) look_for_other_meanings(before, field->text, at, k);
      before = field->text;
    }
    if (k != layout_.columns)
      fail<DataError>("[dmd] {}:{}: {} fields, the lines before have {}", file_, at, k, layout_.columns);
  }

  double value_of(std::string_view field, std::int64_t at, std::int64_t k) const {
    const Number read = number(field, layout_.decimal);
    if (read.value && std::isfinite(*read.value)) return *read.value;
    const std::string where = fmt::format("[dmd] {}:{}: field {} is \"{}\"", file_, at, k, shown_field(field));
    if (read.value) fail<DataError>("{}; every number must be finite", where);
    if (read.out_of_range) fail<DataError>("{}, not a number that f64 can hold", where);
    if (at == half_heading_)
      fail<DataError>(
          "{}, not a number; a heading has no empty field, as row names leave one (R: row.names = FALSE, "
          "pandas: index = False), and none that begins like a number or means a missing value",
          where);
    if (means_missing(field))
      fail<DataError>("{}, a missing value, not a number; fill it in or leave out its lines", where);
    fail<DataError>("{}, not a number", where);
  }

  // Two whole numbers between commas may be one with a decimal comma, and threes of digits may be thousands. A heading
  // that counts the columns settles it.
  void look_for_other_meanings(std::string_view before, std::string_view field, std::int64_t at, std::int64_t k) {
    whole_ = !layout_.heading && layout_.columns > 1 && (layout_.separator == ',' || layout_.separator == ' ') &&
             all_digits(without_sign(field)) && (decimals_ || thousands_);
    if (!whole_) return;
    if (layout_.columns % 2 != 0 || layout_.separator != ',' || (k % 2 == 1 && !all_digits(field))) decimals_ = false;
    if (k == 0 ? without_sign(field).size() > 3 || without_sign(field)[0] == '0'
               : !all_digits(field) || field.size() != 3)
      thousands_ = false;
    const bool evident = k % 2 == 1 && ((field.size() > 1 && field[0] == '0') || before == "-0");
    if (evident && evidence_.line == 0)
      evidence_ = {at, k + 1, fmt::format("{},{}", shown_field(before), shown_field(field))};
  }

  void speak_of_whole_numbers() {
    if (!whole_ || !(decimals_ || thousands_)) return;
    if (decimals_ && evidence_.line > 0)
      fail<DataError>(
          "[dmd] {}:{}: fields {} and {} are \"{}\", as a decimal comma leaves them; expected decimal points, "
          "or semicolons between the numbers",
          file_, evidence_.line, evidence_.field - 1, evidence_.field, evidence_.text);
    note(layout_.first_line, fmt::format("{} were taken for separators between {} whole numbers a line, not for {}",
                                         layout_.separator == ',' ? "commas" : "blanks", layout_.columns,
                                         decimals_ && thousands_ ? "decimal commas or thousands"
                                         : decimals_             ? "decimal commas"
                                                                 : "thousands"));
  }

  std::string_view bytes_;
  const std::string& file_;
  std::vector<std::string>* notes_;
  Layout layout_;
  std::int64_t half_heading_ = 0;  // the first line, when some of its fields are names
  Place comma_, point_, evidence_;
  bool sure_comma_ = false, sure_point_ = false, whole_ = true, decimals_ = true, thousands_ = true;
};

}  // namespace

Tensor parse_series(std::string_view bytes, const std::string& file, std::vector<std::string>* notes) {
  return TextReader(bytes, file, notes).read();
}

}  // namespace glocal::app

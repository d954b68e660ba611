#include <glocal/app/series_file.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include <glocal/core/error.h>
#include <glocal/core/file.h>
#include <glocal/core/npy.h>
#include <glocal/core/printable.h>

namespace glocal::app {
namespace {

constexpr std::int64_t most_bytes = std::int64_t{1} << 28, most_numbers = std::int64_t{1} << 23;

// The fields of a line one after the other: between commas, semicolons and tabs, or else between blanks.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(trimmed(line)) {
    separated_ = line.find_first_of(",;\t") != std::string_view::npos;
    left_ = separated_ || !rest_.empty();
  }
  std::optional<std::string_view> next() {
    if (!left_) return std::nullopt;
    const std::size_t stop = rest_.find_first_of(separated_ ? ",;\t" : " ");
    const std::string_view field = trimmed(rest_.substr(0, stop));
    left_ = stop != std::string_view::npos;
    if (left_) rest_.remove_prefix(stop + 1);
    if (!separated_) rest_ = trimmed(rest_);
    return field;
  }

 private:
  static std::string_view trimmed(std::string_view field) {
    field.remove_prefix(std::min(field.find_first_not_of(" \r"), field.size()));
    return field.substr(0, field.find_last_not_of(" \r") + 1);
  }
  std::string_view rest_;
  bool separated_ = false, left_ = false;
};

std::optional<double> number(std::string_view field) {
  if (field.starts_with('+')) field.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (problem != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return value;
}

// The lines that hold something, with their numbers.
class Lines {
 public:
  explicit Lines(std::string_view bytes) : bytes_(bytes) {
    if (bytes_.starts_with("\xEF\xBB\xBF")) bytes_.remove_prefix(3);
  }
  std::optional<std::string_view> next() {
    while (!bytes_.empty()) {
      const std::size_t stop = std::min(bytes_.find('\n'), bytes_.size());
      const std::string_view line = bytes_.substr(0, stop);
      bytes_.remove_prefix(std::min(stop + 1, bytes_.size()));
      ++number_;
      if (line.find_first_not_of(" \t\r") != std::string_view::npos && !line.starts_with('#')) return line;
    }
    return std::nullopt;
  }
  std::int64_t number() const { return number_; }

 private:
  std::string_view bytes_;
  std::int64_t number_ = 0;
};

std::string shown(std::string_view field) { return printable(field.substr(0, 40)) + (field.size() > 40 ? ".." : ""); }

bool is_heading(std::string_view line) {
  Fields fields(line);
  while (const auto field = fields.next())
    if (number(*field)) return false;
  return true;
}

std::int64_t count_fields(std::string_view line) {
  std::int64_t count = 0;
  for (Fields fields(line); fields.next();) ++count;
  return count;
}

// Numbers of one line, which must be `columns`, behind each other in `row`.
void read_row(std::string_view line, std::int64_t columns, double* row, const std::string& where) {
  std::int64_t k = 0;
  Fields fields(line);
  for (auto field = fields.next(); field; field = fields.next(), ++k) {
    const auto value = number(*field);
    if (!value) fail<DataError>("[dmd] {}: field {} is \"{}\", not a number", where, k + 1, shown(*field));
    if (!std::isfinite(*value))
      fail<DataError>("[dmd] {}: field {} is \"{}\"; every number must be finite", where, k + 1, shown(*field));
    if (k < columns) row[k] = *value;
  }
  if (k != columns) fail<DataError>("[dmd] {}: {} fields, the lines before have {}", where, k, columns);
}

Tensor from_npz(const std::string& path, const std::string& name) {
  const auto arrays = load_npz(path);
  std::string names;
  for (const auto& [key, array] : arrays)
    if (names.size() < 1000) names += (names.empty() ? "" : ", ") + shown(key);
  if (name.empty() && arrays.size() == 1) return arrays.begin()->second;
  const auto found = arrays.find(name);
  if (found == arrays.end())
    fail<DataError>("[dmd] {} holds {}; choose one with --name{}", path, names,
                    name.empty() ? "" : fmt::format(" ({} is none of them)", name));
  return found->second;
}

Tensor from_array(const std::string& path, const std::string& name) {
  const Tensor array = path.ends_with(".npy") ? load_npy(path) : from_npz(path, name);
  if (array.rank() != 1 && array.rank() != 2)
    fail<DataError>("[dmd] {} has shape {}; expected (tau, q), one snapshot per row, or (tau,)", path, array.shape());
  if (array.dtype() == DType::i32) fail<DataError>("[dmd] {} holds integers; expected f32 or f64", path);
  if (!is_finite(array)) fail<DataError>("[dmd] {} holds NaN or Inf; every number must be finite", path);
  return array.to(DType::f64).reshape({array.dim(0), array.rank() == 2 ? array.dim(1) : 1});
}

}  // namespace

Tensor parse_series(std::string_view bytes, const std::string& file) {
  Lines counted(bytes);
  auto line = counted.next();
  const bool heading = line && is_heading(*line);
  if (heading) line = counted.next();
  if (!line) fail<DataError>("[dmd] {} holds no numbers; expected one snapshot per line", file);
  const std::int64_t columns = count_fields(*line);
  std::int64_t rows = 0;
  for (; line; line = counted.next()) ++rows;
  if (columns > most_numbers / rows)
    fail<DataError>("[dmd] {}: expected at most {} numbers, found {} lines of {}", file, most_numbers, rows, columns);

  Tensor series({rows, columns}, DType::f64);
  Lines lines(bytes);
  if (heading) lines.next();
  for (std::int64_t i = 0; i < rows; ++i) {
    line = lines.next();
    read_row(*line, columns, series.data<double>() + i * columns, fmt::format("{}:{}", file, lines.number()));
  }
  return series;
}

Tensor read_series(const std::string& path, const std::string& name) {
  const bool binary = path.ends_with(".npy") || path.ends_with(".npz");
  const Tensor series = binary ? from_array(path, name) : parse_series(read_file(path, most_bytes), path);
  if (series.dim(0) < 3 || series.dim(1) < 1)
    fail<DataError>("[dmd] {} holds {} snapshots of {} numbers; a fit needs at least 3 of at least one", path,
                    series.dim(0), series.dim(1));
  return series;
}

}  // namespace glocal::app

#include <glocal/app/series_file.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/file.h>
#include <glocal/core/npy.h>

namespace glocal::app {
namespace {

constexpr std::int64_t most_bytes = std::int64_t{1} << 30;

std::vector<std::string_view> fields_of(std::string_view line) {
  const bool separated = line.find_first_of(",;\t") != std::string_view::npos;
  const std::string_view separators = separated ? ",;\t" : " ";
  const auto trimmed = [](std::string_view field) {
    field.remove_prefix(std::min(field.find_first_not_of(" \r"), field.size()));
    return field.substr(0, field.find_last_not_of(" \r") + 1);
  };
  std::vector<std::string_view> fields;
  for (line = trimmed(line); separated || !line.empty();) {
    const std::size_t stop = line.find_first_of(separators);
    fields.push_back(trimmed(line.substr(0, stop)));
    if (stop == std::string_view::npos) break;
    line.remove_prefix(stop + 1);
    if (!separated) line = trimmed(line);
  }
  return fields;
}

std::optional<double> number(std::string_view field) {
  if (field.starts_with('+')) field.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (problem != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return value;
}

Tensor from_text(const std::string& path) {
  const std::string bytes = read_file(path, most_bytes);
  std::vector<double> numbers;
  std::size_t columns = 0;
  std::int64_t line_number = 0;
  bool heading_allowed = true;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t stop = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view line = std::string_view(bytes).substr(at, stop - at);
    at = stop + 1;
    ++line_number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos || line.starts_with('#')) continue;

    const std::vector<std::string_view> fields = fields_of(line);
    std::vector<double> row;
    std::size_t bad = fields.size();
    for (std::size_t k = 0; k < fields.size(); ++k) {
      const auto value = number(fields[k]);
      if (value)
        row.push_back(*value);
      else if (bad == fields.size())
        bad = k;
    }
    const bool heading = heading_allowed && row.empty();
    heading_allowed = false;
    if (heading) continue;
    if (bad < fields.size())
      fail<DataError>("[dmd] {}:{}: field {} is \"{}\", not a number", path, line_number, bad + 1, fields[bad]);
    for (std::size_t k = 0; k < row.size(); ++k)
      if (!std::isfinite(row[k]))
        fail<DataError>("[dmd] {}:{}: field {} is \"{}\"; every number must be finite", path, line_number, k + 1,
                        fields[k]);
    if (columns != 0 && row.size() != columns)
      fail<DataError>("[dmd] {}:{}: {} fields, the lines before have {}", path, line_number, row.size(), columns);
    columns = row.size();
    numbers.insert(numbers.end(), row.begin(), row.end());
  }
  if (columns == 0) fail<DataError>("[dmd] {} holds no numbers; expected one snapshot per line", path);
  const auto q = static_cast<std::int64_t>(columns);
  return Tensor::from(numbers, {static_cast<std::int64_t>(numbers.size()) / q, q});
}

Tensor from_npz(const std::string& path, const std::string& name) {
  const auto arrays = load_npz(path);
  std::string names;
  for (const auto& [key, array] : arrays) names += (names.empty() ? "" : ", ") + key;
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

Tensor read_series(const std::string& path, const std::string& name) {
  const bool binary = path.ends_with(".npy") || path.ends_with(".npz");
  const Tensor series = binary ? from_array(path, name) : from_text(path);
  if (series.dim(0) < 3 || series.dim(1) < 1)
    fail<DataError>("[dmd] {} holds {} snapshots of {} numbers; a fit needs at least 3 of at least one", path,
                    series.dim(0), series.dim(1));
  return series;
}

}  // namespace glocal::app

#include <glocal/app/record/numbers.h>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/app/settings/json_fields.h>
#include <glocal/app/settings/options.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/space.h>
#include <glocal/train/hyper_value.h>

namespace glocal::app {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

double number(const Json& json) { return json.is_null() ? none : json.get<double>(); }

std::string file_of(std::int64_t record) { return fmt::format("hparams-{}.npz", record); }

// JSON has no NaN and no infinity.
Json finite_or_null(double x) { return std::isfinite(x) ? Json(x) : Json(); }

Json to_json(const Spread& s, std::size_t count) {
  Json quartiles = Json::array();
  for (const double x : {s.lower, s.median, s.upper}) quartiles.push_back(finite_or_null(x));
  return {{"count", count},
          {"min", finite_or_null(s.least)},
          {"quartiles", std::move(quartiles)},
          {"max", finite_or_null(s.largest)}};
}

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const Json& found) {
  fail<DataError>("[runs] {}: expected {}, found {}", where, expected, json_excerpt(found));
}

bool is_number(const Json& value) { return value.is_number() || value.is_null(); }

std::vector<double> list_in_text(const Json& value, const std::string& where) {
  std::vector<double> numbers;
  for (const Json& each : value) {
    if (!is_number(each)) refuse(where, "a list of numbers", each);
    numbers.push_back(number(each));
  }
  return numbers;
}

}  // namespace

Values values_of(const std::vector<hpo::Extent>& extents, std::span<const double> numbers) {
  Values values;
  for (const hpo::Extent& one : extents) {
    const std::span<const double> own = numbers.subspan(one.begin, one.count);
    if (one.vector)
      values.emplace_back(one.name, std::vector<double>(own.begin(), own.end()));
    else
      values.emplace_back(one.name, own[0]);
  }
  return values;
}

Spread spread_of(std::span<const double> numbers) {
  if (numbers.empty() || std::ranges::any_of(numbers, [](double x) { return std::isnan(x); })) return {};
  std::vector<double> sorted(numbers.begin(), numbers.end());
  std::ranges::sort(sorted);
  const auto quantile = [&sorted](double share) {
    const double place = share * static_cast<double>(sorted.size() - 1);
    const auto left = static_cast<std::size_t>(place);
    const double low = sorted[left], high = sorted[std::min(left + 1, sorted.size() - 1)];
    return low == high ? low : low + (place - static_cast<double>(left)) * (high - low);
  };
  return {sorted.front(), quantile(0.25), quantile(0.5), quantile(0.75), sorted.back()};
}

Json in_text(const train::HyperValue& value) {
  if (!value.vector) return value.numbers[0];
  return value.numbers.size() <= most_in_text ? Json(value.numbers)
                                              : to_json(spread_of(value.numbers), value.numbers.size());
}

Spread spread_in(const Json& value) {
  if (is_number(value)) return spread_of(std::array{number(value)});
  if (value.is_array()) return spread_of(list_in_text(value, "a hyperparameter"));
  const auto at = [&value](const char* place) {
    const Json::json_pointer pointer(place);
    return value.contains(pointer) && value.at(pointer).is_number() ? value.at(pointer).get<double>() : none;
  };
  return {at("/min"), at("/quartiles/0"), at("/quartiles/1"), at("/quartiles/2"), at("/max")};
}

std::string spread_text(const Spread& s, int digits) {
  if (s.one()) return fmt::format("{:.{}g}", s.median, digits);
  return fmt::format("{:.{}g} [{:.{}g} {:.{}g} {:.{}g}] {:.{}g}", s.least, digits, s.lower, digits, s.median, digits,
                     s.upper, digits, s.largest, digits);
}

NumberWriter::NumberWriter(const std::vector<hpo::Extent>& extents, std::int64_t record)
    : file_(file_of(record)),
      wide_(std::ranges::any_of(extents, [](const hpo::Extent& one) { return one.count > most_in_text; })) {}

Json NumberWriter::beside(const std::string& name, std::span<const double> numbers, const Shape& shape) {
  arrays_[name] = Tensor::from(numbers, shape);
  Json json = to_json(spread_of(numbers), numbers.size());
  json["npz"] = file_;
  json["array"] = name;
  return json;
}

Json NumberWriter::by_name(const char* key, const Values& values) {
  Json json = Json::object();
  for (const auto& [name, value] : values) {
    const bool much = value.numbers.size() > most_in_text;
    json[name] =
        much ? beside(fmt::format("{}.{}", key, name), value.numbers, {std::ssize(value.numbers)}) : in_text(value);
  }
  return json;
}

Json NumberWriter::list(const char* key, std::span<const double> all) {
  if (wide_ && !all.empty()) return beside(key, all, {std::ssize(all)});
  return std::vector<double>(all.begin(), all.end());
}

Json NumberWriter::rows(const char* key, const std::vector<std::vector<double>>& rows) {
  if (!wide_ || rows.empty()) return rows;
  std::vector<double> all;
  for (const std::vector<double>& row : rows) all.insert(all.end(), row.begin(), row.end());
  return beside(key, all, {std::ssize(rows), std::ssize(rows[0])});
}

void NumberWriter::write(const std::filesystem::path& folder) const {
  if (!arrays_.empty()) save_npz((folder / file_).string(), arrays_);
}

std::optional<std::int64_t> record_of(std::string_view file) {
  constexpr std::string_view before = "hparams-";
  if (!file.starts_with(before)) return {};
  std::int64_t record = -1;
  std::from_chars(file.data() + before.size(), file.data() + file.size(), record);
  return record >= 0 && file == file_of(record) ? std::optional(record) : std::nullopt;
}

NumberReader::NumberReader(const std::filesystem::path& folder)
    : NumberReader(folder, [folder](const char* file) {
        std::error_code error;
        if (!std::filesystem::exists(folder / file, error) && !error)
          fail<DataError>("[runs] {} is missing, with numbers of hparams.jsonl", (folder / file).string());
        return read_file((folder / file).string(), most_run_bytes);
      }) {}

const Tensor& NumberReader::beside(const Json& value, const std::string& where) {
  Fields fields(value, "", where);
  const std::string file = fields.text("npz"), array = fields.text("array");
  if (!record_of(file)) fields.refuse("npz", "hparams-LINE.npz");
  if (file != open_) {
    open_.clear();
    arrays_ = decode_npz(bytes_(file.c_str()), (folder_ / file).string());
    open_ = file;
  }
  const auto found = arrays_.find(array);
  if (found == arrays_.end() || found->second.dtype() != DType::f64)
    fields.refuse("array", fmt::format("one of float64 in {}", (folder_ / file).string()));
  const std::span<const double> numbers = found->second.span<double>();
  const Json spread = to_json(spread_of(numbers), numbers.size());
  for (const auto& [key, expected] : spread.items())
    fields.equal(key.c_str(), expected, fmt::format("that of {} in {}", array, (folder_ / file).string()));
  fields.done();
  return found->second;
}

std::vector<double> NumberReader::list(const Json& value, std::size_t count, const std::string& where) {
  std::vector<double> numbers;
  if (value.is_array()) {
    numbers = list_in_text(value, where);
  } else if (value.is_object()) {
    const std::span<const double> all = beside(value, where).span<double>();
    numbers.assign(all.begin(), all.end());
  } else {
    refuse(where, "a list of numbers", value);
  }
  if (numbers.size() != count)
    fail<DataError>("[runs] {}: expected {} numbers, found {}", where, count, numbers.size());
  return numbers;
}

std::vector<double> NumberReader::by_name(const Json& object, const std::vector<hpo::Extent>& extents,
                                          const std::string& where) {
  std::vector<double> all;
  for (const hpo::Extent& one : extents) {
    const std::string place = fmt::format("{}.{}", where, one.name);
    if (!object.is_object() || !object.contains(one.name)) fail<DataError>("[runs] {}: expected it, found none", place);
    const Json& value = object.at(one.name);
    if (one.vector) {
      const std::vector<double> numbers = list(value, one.count, place);
      all.insert(all.end(), numbers.begin(), numbers.end());
    } else {
      if (!is_number(value)) refuse(place, "a number", value);
      all.push_back(number(value));
    }
  }
  return all;
}

std::vector<std::vector<double>> NumberReader::rows(const Json& value, std::size_t count, const std::string& where) {
  std::vector<std::vector<double>> rows;
  if (value.is_object()) {
    const Tensor& all = beside(value, where);
    if (all.rank() != 2 || all.dim(1) != static_cast<std::int64_t>(count))
      fail<DataError>("[runs] {}: expected rows of {} numbers, found an array {}", where, count, all.shape());
    for (auto at = all.span<double>().begin(); at != all.span<double>().end(); at += all.dim(1))
      rows.emplace_back(at, at + all.dim(1));
    return rows;
  }
  if (!value.is_array()) refuse(where, "a list of rows", value);
  for (const Json& row : value) rows.push_back(list(row, count, where));
  return rows;
}

std::vector<hpo::Extent> extents_of(const Json& values, const std::string& where) {
  if (!values.is_object()) refuse(where, "an object", values);
  std::vector<hpo::Extent> extents;
  std::size_t begin = 0;
  for (const auto& [name, value] : values.items()) {
    hpo::Extent one{name, begin, 1, !is_number(value)};
    if (value.is_array())
      one.count = value.size();
    else if (one.vector)
      one.count = static_cast<std::size_t>(Fields(value, name, where).whole("count", 1, std::int64_t{1} << 40));
    extents.push_back(one);
    begin += one.count;
  }
  return extents;
}

}  // namespace glocal::app

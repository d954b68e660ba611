// The numbers of hyperparameters in the files of a run: a vector is one list under its name. Of more than 64 numbers
// the text holds how they spread, and the numbers lie beside it, in hparams-0.npz, hparams-1.npz, ...: a file for each
// line of hparams.jsonl, which is there, whole and flushed, before its line is, and is never changed. The rows of a
// comparison name the .npz of their runs, which lie in the folders of these.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/app/settings/options.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/space.h>
#include <glocal/train/hyper_value.h>

namespace glocal::app {

constexpr std::size_t most_in_text = 64;
constexpr std::int64_t most_run_bytes = std::int64_t{1} << 30;  ///< of a file of a run folder

/// Hyperparameters by name, in order.
using Values = std::vector<std::pair<std::string, train::HyperValue>>;
Values values_of(const std::vector<hpo::Extent>& extents, std::span<const double> numbers);

/// How the numbers of one hyperparameter spread: of a single one all are the same, and NaN where one of them is.
struct Spread {
  double least = std::numeric_limits<double>::quiet_NaN();
  double lower = least, median = least, upper = least, largest = least;  ///< quartiles interpolate
  bool one() const { return !(least < largest); }                        ///< all the same, or NaN
};
Spread spread_of(std::span<const double> numbers);
/// Of a value in JSON: a number, a list, or what stands there of numbers that lie beside; NaN of anything else.
Spread spread_in(const Json& value);
/// The numbers as JSON; of more than 64 how they spread.
Json in_text(const train::HyperValue& value);
/// "0.05 [0.2 0.9 1.3] 5.3": the least, the quartiles, the largest; "0.05" where they are the same.
std::string spread_text(const Spread& spread, int digits);

/// Line `record` of hparams.jsonl, from 0 on: its numbers as JSON, and its .npz.
class NumberWriter {
 public:
  NumberWriter(const std::vector<hpo::Extent>& extents, std::int64_t record);

  Json by_name(const char* key, const Values& values);                       ///< an object; `key` is what they are
  Json list(const char* key, std::span<const double> all);                   ///< of all components
  Json rows(const char* key, const std::vector<std::vector<double>>& rows);  ///< the same, several times
  void write(const std::filesystem::path& folder) const;                     ///< before the line; throws IoError

 private:
  Json beside(const std::string& name, std::span<const double> numbers, const Shape& shape);
  std::string file_;
  bool wide_;  // one of them has too many numbers for text: so have lists of all components
  std::map<std::string, Tensor> arrays_;
};

/// Reads what NumberWriter has written. All throw DataError naming `where` and what is wrong: kind, count, a file that
/// is missing, damaged or not the one whose spread the text holds.
class NumberReader {
 public:
  /// `bytes` gives a file of the folder, which is named in errors.
  NumberReader(std::filesystem::path folder, std::function<std::string(const char* file)> bytes)
      : folder_(std::move(folder)), bytes_(std::move(bytes)) {}
  explicit NumberReader(const std::filesystem::path& folder);

  std::vector<double> list(const Json& value, std::size_t count, const std::string& where);
  /// Of an object that has these names; others are left alone.
  std::vector<double> by_name(const Json& object, const std::vector<hpo::Extent>& extents, const std::string& where);
  /// Rows of `count` numbers each.
  std::vector<std::vector<double>> rows(const Json& value, std::size_t count, const std::string& where);

 private:
  const Tensor& beside(const Json& value, const std::string& where);
  std::filesystem::path folder_;
  std::function<std::string(const char* file)> bytes_;
  std::string open_;  // the file whose arrays are held
  std::map<std::string, Tensor> arrays_;
};

/// The names and counts of an object of values. Throws DataError naming `where` for anything else.
std::vector<hpo::Extent> extents_of(const Json& values, const std::string& where);
/// The line whose .npz a file of a run folder is, by its name.
std::optional<std::int64_t> record_of(std::string_view file);

}  // namespace glocal::app

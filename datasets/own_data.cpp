#include <glocal/datasets/own_data.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/own/forms.h>
#include <glocal/datasets/own/raw.h>
#include <glocal/datasets/sampling.h>

namespace fs = std::filesystem;

namespace glocal::datasets {
namespace {

constexpr std::int64_t one_in = 6;            // is held out for a test part
constexpr std::uint64_t held_out_key = 1797;  // and always the same ones
constexpr std::size_t most_classes = 1 << 16;

// The numbers that labels have, in order; the place of each is its class.
std::vector<std::int64_t> classes_of(const RawPart& part) {
  std::vector<std::int64_t> numbers = part.labels;
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  if (numbers.size() > most_classes)
    fail<DataError>(
        "[data] {}: {} different labels are more than the {} classes there may be; if y is a number to be "
        "met, give --loss mse",
        part.source, numbers.size(), most_classes);
  return numbers;
}

std::vector<std::int32_t> as_classes(const RawPart& part, const std::vector<std::int64_t>& numbers) {
  std::vector<std::int32_t> classes;
  for (const std::int64_t label : part.labels) {
    const auto at = std::lower_bound(numbers.begin(), numbers.end(), label);
    if (at == numbers.end() || *at != label)
      fail<DataError>("[data] {}: label {} of image {} is none of the training part's", part.source, label,
                      classes.size());
    classes.push_back(static_cast<std::int32_t>(at - numbers.begin()));
  }
  return classes;
}

Dataset images_of(RawPart& part, Part which, const std::string& name, const std::string& title) {
  Dataset data{name, title, part.source, which, false, part.channels, part.height, part.width, 0, {},
               {},   1,     {},          {},    {}};
  data.pixels = std::move(part.pixels);
  data.values = std::move(part.values);
  data.outputs = part.outputs;
  data.targets = std::move(part.targets);
  data.files = std::move(part.files);
  if (data.values.empty()) data.scale = 255;
  return data;
}

std::vector<std::string> names_of(const std::vector<std::int64_t>& numbers) {
  std::vector<std::string> names;
  for (const std::int64_t number : numbers) names.push_back(fmt::format("{}", number));
  return names;
}

void name_classes(RawData& raw, const std::vector<std::int64_t>& numbers, Dataset& train) {
  train.classes = std::ssize(numbers);
  if (!raw.class_names.empty()) {
    train.class_names = raw.class_names;
    return;
  }
  std::vector<std::string> names = names_of(numbers);
  if (numbers.front() != 0 || numbers.back() != std::ssize(numbers) - 1) {
    std::vector<std::string> shown(names.begin(), names.begin() + std::min<std::ptrdiff_t>(std::ssize(names), 8));
    raw.notes.push_back(fmt::format("labels {}{} became classes 0 to {}", fmt::join(shown, ", "),
                                    names.size() > shown.size() ? ", ..." : "", names.size() - 1));
  }
  train.class_names = std::move(names);
}

// A channel that is the same everywhere has deviation 0; it becomes 0 by any other.
double or_one(double stddev, double mean) { return stddev > 1e-12 * std::abs(mean) ? stddev : 1; }

void normalise(Dataset& train, std::vector<std::string>& notes) {
  for (const Moments& channel : moments(train)) {
    train.mean.push_back(channel.mean);
    train.stddev.push_back(or_one(channel.stddev, channel.mean));
  }
  if (!train.values.empty()) {  // black and white when it is drawn
    const auto [least, most] = std::minmax_element(train.values.begin(), train.values.end());
    train.black = static_cast<double>(*least);
    train.white = static_cast<double>(*most);
  }
  const std::size_t outputs = static_cast<std::size_t>(train.outputs), size = static_cast<std::size_t>(train.size());
  for (std::size_t k = 0; k < outputs; ++k) {
    double sum = 0, squares = 0;
    for (std::size_t n = 0; n < size; ++n) sum += static_cast<double>(train.targets[n * outputs + k]);
    const double mean = sum / static_cast<double>(size);
    for (std::size_t n = 0; n < size; ++n) squares += std::pow(train.targets[n * outputs + k] - mean, 2);
    const double stddev = std::sqrt(squares / static_cast<double>(size));
    if (or_one(stddev, mean) != stddev)
      fail<DataError>("[data] {}: the target{} is {} everywhere; there is nothing to learn", train.source,
                      outputs == 1 ? "" : fmt::format(" {}", k), mean);
    train.target_mean.push_back(mean);
    train.target_stddev.push_back(stddev);
    if (k < 4)
      notes.push_back(
          fmt::format("target{} has mean {:.6g} and deviation {:.6g}, by which it is normalised: a loss of 1 "
                      "is that of its mean alone",
                      outputs == 1 ? "" : fmt::format(" {}", k), mean, stddev));
  }
}

// What both parts have in common.
void share(const Dataset& train, Dataset& test) {
  test.classes = train.classes;
  test.class_names = train.class_names;
  test.mean = train.mean, test.stddev = train.stddev;
  test.target_mean = train.target_mean, test.target_stddev = train.target_stddev;
  test.black = train.black, test.white = train.white;
}

}  // namespace

TrainTest data_sets_of(RawData raw, const std::string& name, const std::string& title) {
  Dataset train = images_of(raw.train, Part::train, name, title);
  std::vector<std::int64_t> numbers;
  if (!train.regression()) {
    numbers = classes_of(raw.train);
    if (numbers.size() < 2)
      fail<DataError>("[data] {}: expected at least two classes, found one: every label is {}", train.source,
                      numbers[0]);
    train.labels = as_classes(raw.train, numbers);
    name_classes(raw, numbers, train);
  }
  TrainTest both;
  if (raw.test) {
    both.test = images_of(*raw.test, Part::test, name, title);
    if (!train.regression()) both.test.labels = as_classes(*raw.test, numbers);
    both.train = std::move(train);
  } else {
    const std::int64_t held_out = train.size() / one_in;
    if (held_out < 1)
      fail<DataError>("[data] {}: expected at least {} images, or {}, found {}", train.source, one_in, raw.no_test,
                      train.size());
    const Split split = split_indices(train.size(), 0, held_out, key(held_out_key));
    both = {train.subset(split.train), train.subset(split.test)};
    both.test.part = Part::test;
    raw.notes.push_back(
        fmt::format("no {}: {} of the {} images, one in {}, are held out as the test part, the same for every seed",
                    raw.no_test, held_out, train.size(), one_in));
  }
  normalise(both.train, raw.notes);
  share(both.train, both.test);
  both.train.notes = std::move(raw.notes);
  check(both.train);
  check(both.test);
  return both;
}

namespace {

RawData read_own(const OwnName& name, const RawOptions& options, const fs::path& data_dir) {
  const DataForm& form = data_forms().at(name.form);
  fs::path path = name.path;
  std::error_code error;
  if (!fs::exists(path, error) && path.is_relative() && !data_dir.empty()) path = data_dir / path;
  if (!fs::exists(path, error))
    fail<DataError>("[data] {}:{}: {} is not there{}", form.name, printable(name.path), printable(path.string()),
                    fs::path(name.path).is_relative() ? fmt::format("; a relative path begins at {} or at --data-dir",
                                                                    fs::current_path(error).string())
                                                      : "");
  return form.read(path.string(), options);
}

std::string text_of(const OwnName& name) { return name.form + ":" + name.path; }
std::string title_of(const OwnName& name) { return printable(fs::path(name.path).lexically_normal().string()); }

}  // namespace

TrainTest load_own(const OwnName& name, const RawOptions& options, const fs::path& data_dir) {
  return data_sets_of(read_own(name, options, data_dir), text_of(name), title_of(name));
}

ToEvaluate load_own_to_evaluate(const OwnName& name, Part part, RawOptions options, const fs::path& data_dir) {
  options.to_evaluate = true;
  RawData raw = read_own(name, options, data_dir);
  RawPart& from = raw.test && part == Part::test ? *raw.test : raw.train;
  std::vector<std::int64_t> numbers = classes_of(from);
  if (!raw.class_names.empty()) {  // the labels are their places
    numbers.resize(raw.class_names.size());
    std::iota(numbers.begin(), numbers.end(), 0);
  }
  Dataset images = images_of(from, part, text_of(name), title_of(name));
  images.classes = std::ssize(numbers);
  images.class_names = raw.class_names.empty() ? names_of(numbers) : std::move(raw.class_names);
  images.labels = as_classes(from, numbers);
  if (from.labels.empty()) images.labels.assign(static_cast<std::size_t>(from.count), -1);
  images.notes = std::move(raw.notes);
  return {std::move(images), raw.test.has_value()};
}

}  // namespace glocal::datasets

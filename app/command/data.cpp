#include <glocal/app/command/data.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <glocal/app/command/fetch.h>
#include <glocal/app/command/picture.h>
#include <glocal/app/terminal/say.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/own/forms.h>
#include <glocal/datasets/registry.h>
#include <glocal/datasets/verify.h>

namespace glocal::app {
namespace {

using datasets::Dataset;
using datasets::Part;
using datasets::SetInfo;

datasets::Options options_of(const DataArguments& arguments) {
  datasets::Options options{.data_dir = arguments.data_dir, .coarse_labels = arguments.labels == "coarse"};
  options.own = {datasets::layouts().at(arguments.layout).layout, arguments.loss == "mse"};
  return options;
}
Dataset load(const DataArguments& arguments) {
  const Part part = arguments.part == "train" ? Part::train : Part::test;
  return datasets::load(arguments.name, part, options_of(arguments));
}

std::string where(const SetInfo& set, const DataArguments& arguments) {
  if (set.format == datasets::Format::embedded) return "in the library";
  if (set.format == datasets::Format::synthetic) return "made when asked";
  try {
    return datasets::locate(set, Part::train, options_of(arguments)).front().parent_path().string();
  } catch (const DataError&) {
    return "not here: glocal data fetch " + set.name;
  }
}

void refuse_own(const std::string& name, const char* command) {
  if (datasets::own_name(name))
    fail<ValueError>("[{}] {} is your own data, of which there are no official files", command, printable(name));
}

// (N, C, H, W), as its file has them.
Tensor numbers_of(const Dataset& data) {
  const Shape shape{data.size(), data.channels, data.height, data.width};
  if (!data.values.empty()) return Tensor::from(data.values, shape);
  Tensor x(shape, DType::i32);
  std::copy(data.pixels.begin(), data.pixels.end(), x.data<std::int32_t>());
  return x;
}

Tensor answers_of(const Dataset& data) {
  if (data.regression()) return Tensor::from(data.targets, Shape{data.size(), data.outputs});
  Tensor y({data.size()}, DType::i32);
  std::copy(data.labels.begin(), data.labels.end(), y.data<std::int32_t>());
  return y;
}

}  // namespace

void save_arrays(const DataArguments& arguments) {
  const auto [train, test] = datasets::load_both(arguments.name, options_of(arguments));
  save_npz(arguments.output, {{"x_train", numbers_of(train)},
                              {"y_train", answers_of(train)},
                              {"x_test", numbers_of(test)},
                              {"y_test", answers_of(test)}});
  print_saved(arguments.output + "\n", arguments.output);
}

void list_sets(const DataArguments& arguments) {
  fmt::print("{:<15}{:>7}{:>7}  {:<11}{:>8}  {:<22}{}\n", "name", "train", "test", "image", "classes", "licence",
             "where");
  for (const SetInfo& set : datasets::data_sets().entries())
    fmt::print("{:<15}{:>7}{:>7}  {:<11}{:>8}  {:<22}{}\n", set.name, set.train, set.test,
               fmt::format("{}x{}x{}", set.channels, set.height, set.width), set.classes, set.licence.substr(0, 20),
               where(set, arguments));
}

void fetch_set(const DataArguments& arguments) {
  refuse_own(arguments.name, "fetch");
  const SetInfo& set = datasets::data_sets().at(arguments.name);
  const char* environment = std::getenv("GLOCAL_DATA");
  std::filesystem::path destination = datasets::cache_folder();
  if (environment && *environment) destination = environment;
  if (!arguments.data_dir.empty()) destination = arguments.data_dir;
  const std::string folder = fetch(set, destination, arguments.mirror).string();
  print_saved(folder + "\n", folder);
}

void verify_set(const DataArguments& arguments) {
  refuse_own(arguments.name, "verify");
  constexpr const char* words[] = {"PASS", "FAIL", "UNKNOWN"};
  std::int64_t failed = 0;
  const auto files = datasets::verify(arguments.name, options_of(arguments));
  for (const datasets::FileReport& file : files) {
    fmt::print("{:<8}{:<26}{:>12}  {}\n{:8}{}  {}\n", words[static_cast<int>(file.verdict)], file.file, file.bytes,
               file.note, "", file.sha256.empty() ? "-" : file.sha256, file.path);
    failed += file.verdict == datasets::Verdict::fail;
  }
  if (failed > 0)
    fail<DataError>("[verify] {} of {} files of {} are not the official ones", failed, files.size(), arguments.name);
}

void show_set_info(const DataArguments& arguments) {
  const auto [train, test] = datasets::load_both(arguments.name, options_of(arguments));
  fmt::print("{}\n  from      {}\n  images    {} train, {} test, {} x {} x {}\n", train.title, train.source,
             train.size(), test.size(), train.channels, train.height, train.width);
  for (const std::string& note : train.notes) fmt::print("  taken     {}\n", note);
  const std::vector<datasets::Moments> measured = datasets::moments(train);
  constexpr std::size_t most_channels = 16;
  if (measured.size() > most_channels) fmt::print("  channels  the first {} of {}\n", most_channels, measured.size());
  for (std::size_t c = 0; c < std::min(measured.size(), most_channels); ++c)
    fmt::print("  channel {} mean {:.4f}, deviation {:.4f} (normalised with {:.4f}, {:.4f})\n", c, measured[c].mean,
               measured[c].stddev, train.mean[c], train.stddev[c]);
  if (const SetInfo* set = datasets::data_sets().find(arguments.name)) {
    fmt::print("  licence   {}\n", set->licence);
    if (!set->citation.empty()) fmt::print("  cite      {}\n", set->citation);
  }
  if (train.regression()) return;
  const auto in_train = train.histogram(), in_test = test.histogram();
  fmt::print("\n{:>5}  {:<32}{:>8}{:>8}\n", "class", "name", "train", "test");
  for (std::size_t c = 0; c < in_train.size(); ++c)
    fmt::print("{:>5}  {:<32}{:>8}{:>8}\n", c, printable(train.class_names[c]), in_train[c], in_test[c]);
}

void show_images(const DataArguments& arguments) {
  const Dataset data = load(arguments);
  if (arguments.output.empty()) {
    fmt::print("{}", text_picture(data, arguments.count));
    return;
  }
  write_file_atomically(arguments.output, contact_sheet(data, arguments.count));
  print_saved(arguments.output + "\n", arguments.output);
}

}  // namespace glocal::app

#include <glocal/datasets/own/idx.h>

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/lower.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/own/raw.h>
#include <glocal/datasets/readers/idx.h>

namespace fs = std::filesystem;

namespace glocal::datasets {
namespace {

// The files of one part.
struct Files {
  std::vector<std::string> images, labels;
  bool empty() const { return images.empty() && labels.empty(); }
};

std::string one_of(const std::string& folder, const std::vector<std::string>& files, const std::string& what) {
  if (files.empty())
    fail<DataError>("[idx] {}: expected {}, found none; name it as MNIST does, train-images-idx3-ubyte", folder, what);
  if (files.size() > 1)
    fail<DataError>("[idx] {}: expected one of {}, found {} and {}; put each data set into a folder of its own", folder,
                    what, printable(files[0]), printable(files[1]));
  return (fs::path(folder) / files[0]).string();
}

RawPart read_part(const std::string& folder, const Files& files, const std::string& part, bool labels_needed) {
  RawPart out;
  out.source = one_of(folder, files.images, "the images of the " + part + " part");
  IdxArray images = read_idx(out.source, 3);
  out.count = images.sizes[0], out.channels = 1, out.height = images.sizes[1], out.width = images.sizes[2];
  out.pixels = std::move(images.values);
  if (files.labels.empty() && !labels_needed) return out;
  const std::string labels_file = one_of(folder, files.labels, "the labels of the " + part + " part");
  const IdxArray labels = read_idx(labels_file, 1);
  if (labels.sizes[0] != out.count)
    fail<DataError>("[idx] {}: expected one label per image, found {} images and {} labels", labels_file, out.count,
                    labels.sizes[0]);
  out.labels.assign(labels.values.begin(), labels.values.end());
  return out;
}

}  // namespace

RawData read_idx_data(const std::string& folder, const RawOptions& options) {
  if (options.targets) fail<ValueError>("[idx] {}: IDX files hold labels; --loss mse needs npz:FILE", folder);
  if (options.layout != Layout::automatic)
    fail<ValueError>("[idx] {}: images of IDX files have one channel; leave --layout out", folder);
  std::error_code error;
  if (!fs::is_directory(folder, error)) fail<DataError>("[idx] {}: expected a folder of IDX files", folder);
  Files train, test;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string file = entry->path().filename().string(), name = lower(file);
    const std::size_t images = name.find("images"), labels = name.find("labels");
    if (entry->is_directory(error) || name.starts_with('.') || images == labels) continue;  // neither
    const std::string before = name.substr(0, std::min(images, labels));
    Files& part = before.find("t10k") != std::string::npos || before.find("test") != std::string::npos ? test : train;
    (images < labels ? part.images : part.labels).push_back(file);
  }
  if (error) fail<IoError>("[idx] cannot read the folder {}: {}", folder, error.message());
  for (Files* part : {&train, &test}) {
    std::sort(part->images.begin(), part->images.end());
    std::sort(part->labels.begin(), part->labels.end());
  }
  RawData data;
  data.no_test = "files t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte";
  if (train.empty() && options.to_evaluate) std::swap(train, test);
  data.train = read_part(folder, train, "training", !options.to_evaluate);
  if (!test.empty()) data.test = read_part(folder, test, "test", !options.to_evaluate);
  if (data.test && (data.test->height != data.train.height || data.test->width != data.train.width))
    fail<DataError>("[idx] {}: expected images of {} x {} as in the training part, found {} x {}", data.test->source,
                    data.train.height, data.train.width, data.test->height, data.test->width);
  data.notes.push_back(fmt::format("images of {}", fs::path(data.train.source).filename().string()));
  return data;
}

}  // namespace glocal::datasets

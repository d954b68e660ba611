#include <glocal/datasets/load.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/element_type.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/digest.h>
#include <glocal/datasets/foreign.h>
#include <glocal/datasets/own/forms.h>
#include <glocal/datasets/own/raw.h>
#include <glocal/datasets/own_data.h>
#include <glocal/datasets/readers/cifar.h>
#include <glocal/datasets/readers/embedded.h>
#include <glocal/datasets/readers/idx.h>
#include <glocal/datasets/readers/mat.h>
#include <glocal/datasets/readers/payload.h>
#include <glocal/datasets/registry.h>
#include <glocal/datasets/sampling.h>
#include <glocal/datasets/synthetic.h>

namespace fs = std::filesystem;

namespace glocal::datasets {
namespace {

std::int64_t official_count(const SetInfo& set, Part part) { return part == Part::train ? set.train : set.test; }

Dataset empty_dataset(const SetInfo& set, Part part, std::string source) {
  return {set.name,     set.title,  std::move(source), part,        false,
          set.channels, set.height, set.width,         set.classes, {},
          {},           set.scale,  set.mean,          set.stddev,  set.class_names};
}

constexpr std::string_view unofficial = " (not the official files)";

// The files of MNIST, Fashion-MNIST and KMNIST share names and shapes; the hash of the labels tells whose they are.
// Returns whether they are this set's official ones, or may be; refuses those of another set.
bool labels_may_be_official(const SetInfo& set, Part part, const IdxArray& labels, const std::string& path) {
  std::string bytes("\0\0\x08\x01", 4);
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(labels.sizes[0] >> shift & 0xff));
  bytes.append(labels.values.begin(), labels.values.end());
  const std::string found = sha256(bytes);
  for (const SetInfo& other : data_sets().entries())
    for (const auto* files : {&other.train_files, &other.test_files})
      for (const File& file : *files)
        if (file.sha256 == found && other.name != set.name)
          fail<DataError>("[data] {}: expected the labels of {}, found those of {}; use --dataset {}", path, set.title,
                          other.title, other.name);
  const std::string& official = (part == Part::train ? set.train_files : set.test_files)[1].sha256;
  return official.empty() || official == found;
}

// Rows and columns of every channel change places.
void transpose(Dataset& data) {
  const auto height = static_cast<std::size_t>(data.height), width = static_cast<std::size_t>(data.width);
  std::vector<std::uint8_t> plane(height * width);
  for (std::size_t begin = 0; begin < data.pixels.size(); begin += plane.size()) {
    std::copy_n(data.pixels.begin() + static_cast<std::ptrdiff_t>(begin), plane.size(), plane.begin());
    for (std::size_t y = 0; y < height; ++y)
      for (std::size_t x = 0; x < width; ++x) data.pixels[begin + y * width + x] = plane[x * height + y];
  }
}

Dataset join(const SetInfo& set, Part part, IdxArray images, IdxArray labels, const std::string& source) {
  const std::vector<std::int64_t> shape = {images.sizes[0], set.height, set.width};
  if (images.sizes != shape)
    fail<DataError>("[data] {}: image size: expected {} x {}, found {} x {}", source, set.height, set.width,
                    images.sizes[1], images.sizes[2]);
  if (images.sizes[0] != labels.sizes[0])
    fail<DataError>("[data] {}: expected one label per image, found {} images and {} labels", source, images.sizes[0],
                    labels.sizes[0]);
  Dataset data = empty_dataset(set, part, source);
  data.pixels = std::move(images.values);
  if (set.transposed) transpose(data);
  for (const std::uint8_t label : labels.values) data.labels.push_back(label - set.first_label);
  return data;
}

std::string_view text_of(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Dataset load_embedded(const SetInfo& set, Part part) {
  const Dataset data = join(set, part, parse_idx(text_of(embedded::digits_images), 3, "embedded digits images"),
                            parse_idx(text_of(embedded::digits_labels), 1, "embedded digits labels"), "embedded");
  std::vector<std::int64_t> indices;
  for (std::int64_t i = part == Part::train ? 0 : set.train; i < (part == Part::train ? set.train : data.size()); ++i)
    indices.push_back(i);
  return data.subset(indices);
}

Dataset load_idx(const SetInfo& set, Part part, const std::vector<fs::path>& files) {
  const std::int64_t count = official_count(set, part);
  IdxArray images = read_idx(files[0].string(), 3, count * set.height * set.width);
  IdxArray labels = read_idx(files[1].string(), 1, count);
  const bool official = labels_may_be_official(set, part, labels, files[1].string());
  Dataset data = join(set, part, std::move(images), std::move(labels), files[0].parent_path().string());
  if (!official) data.title += unofficial;
  return data;
}

Dataset load_cifar(const SetInfo& set, Part part, const std::vector<fs::path>& files, bool coarse) {
  const CifarLabels kind = set.format == Format::cifar10 ? CifarLabels::cifar10
                           : coarse                      ? CifarLabels::cifar100_coarse
                                                         : CifarLabels::cifar100_fine;
  Dataset data = empty_dataset(set, part, files[0].parent_path().string());
  if (kind == CifarLabels::cifar100_coarse) {
    data.class_names = set.coarse_class_names;
    data.classes = static_cast<std::int64_t>(set.coarse_class_names.size());
  }
  bool official = true;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const CifarArray records = read_cifar(files[i].string(), kind);
    const std::vector<int>& first = (part == Part::train ? set.train_files : set.test_files)[i].first_labels;
    official = official && records.labels.size() >= first.size() &&
               std::equal(first.begin(), first.end(), records.labels.begin());
    data.pixels.insert(data.pixels.end(), records.pixels.begin(), records.pixels.end());
    data.labels.insert(data.labels.end(), records.labels.begin(), records.labels.end());
  }
  if (!official) data.title += unofficial;
  return data;
}

// X is (32, 32, 3, N) with the first axis the fastest, so that an image's planes lie behind one another, each with rows
// and columns exchanged; y is (N, 1), with 10 for the digit 0.
Dataset load_svhn(const SetInfo& set, Part part, const std::vector<fs::path>& files) {
  Dataset data = empty_dataset(set, part, files[0].parent_path().string());
  for (const fs::path& path : files) {
    const std::string file = path.string(), bytes = read_data_file(file);
    const MatArray x = parse_mat_array(bytes, "X", file), y = parse_mat_array(bytes, "y", file);
    const std::int64_t count = x.sizes.back();
    const bool pixels = x.type.kind == ElementType::Kind::natural && x.type.width == 1;
    if (!pixels || x.sizes != std::vector<std::int64_t>{set.height, set.width, set.channels, count})
      fail<DataError>("[svhn] {}: X: expected bytes of {} x {} x {} x N, found sizes {}", file, set.height, set.width,
                      set.channels, fmt::join(x.sizes, " x "));
    if (y.sizes != std::vector<std::int64_t>{count, 1} && y.sizes != std::vector<std::int64_t>{1, count})
      fail<DataError>("[svhn] {}: y: expected {} labels, found sizes {}", file, count, fmt::join(y.sizes, " x "));
    data.pixels.insert(data.pixels.end(), x.data.begin(), x.data.end());
    const Tensor labels = decode_elements(y.type, y.data, Shape{count}, true, "[svhn] " + file + ": y");
    for (std::int64_t i = 0; i < count; ++i) {
      const double label = labels.at(i);
      if (!(label >= 1 && label <= 10) || label != std::floor(label))
        fail<DataError>("[svhn] {}: y: label of image {}: expected 1 to 10 (the digit 0), found {}", file, i, label);
      data.labels.push_back(static_cast<std::int32_t>(label) % 10);
    }
  }
  transpose(data);
  return data;
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

[[noreturn]] void fail_missing(const SetInfo& set, Part part, const std::vector<File>& files, const std::string& tried,
                               const std::string& foreign) {
  fail<DataError>(
      "[data] the {} files of {} are not there ({}{}). Tried:{}{}\nWays out:\n"
      "  glocal data fetch {}   (or: cmake -DDATASET={} -P datasets/fetch.cmake)\n"
      "  apt-get install dataset-fashion-mnist   (then --dataset fashion-mnist)\n"
      "  copy the files to ./data/{}, or give their folder with --data-dir\n"
      "or run on the bundled digits: --dataset digits",
      name_of(part), set.title, fmt::join(files | std::views::transform(&File::name), ", "),
      set.format == Format::idx ? ", each plain or .gz" : "", tried,
      foreign.empty() ? "" : "\nFound there, but in another form:" + foreign, set.name, set.name, set.folders.front());
}

}  // namespace

fs::path cache_folder() {
  if (const char* cache = environment("XDG_CACHE_HOME")) return fs::path(cache) / "glocal" / "datasets";
  const char* home = environment("HOME");
  return fs::path(home ? home : ".") / ".cache" / "glocal" / "datasets";
}

std::vector<fs::path> search_folders(const Options& options) {
  std::vector<fs::path> folders;
  std::error_code error;
  if (!options.data_dir.empty()) {
    if (!fs::is_directory(options.data_dir, error))
      fail<DataError>("[data] --data-dir {}: expected a folder, found {}", options.data_dir.string(),
                      fs::exists(options.data_dir, error) ? "a file" : "nothing");
    folders.push_back(options.data_dir);
  }
  if (const char* data = environment("GLOCAL_DATA")) folders.emplace_back(data);
  folders.emplace_back("./data");
  folders.push_back(cache_folder());
  folders.emplace_back("/usr/share/datasets");
  return folders;
}

std::vector<fs::path> locate(const SetInfo& set, Part part, const Options& options) {
  const std::vector<File>& files = part == Part::train ? set.train_files : set.test_files;
  std::string tried, foreign;
  for (const fs::path& folder : search_folders(options))
    for (const std::string& layout : set.folders) {
      const fs::path place = layout.empty() ? folder : folder / layout;
      std::vector<fs::path> found;
      std::vector<std::string> missing;
      for (const File& file : files) {
        std::error_code error;
        const fs::path plain = place / file.name, packed = place / (file.name + ".gz");
        if (fs::exists(plain, error))
          found.push_back(plain);
        else if (set.format == Format::idx && fs::exists(packed, error))
          found.push_back(packed);
        else
          missing.push_back(file.name);
      }
      if (missing.empty()) return found;
      tried +=
          "\n  " + place.string() + (found.empty() ? "" : fmt::format("   (without {})", fmt::join(missing, ", ")));
      foreign += foreign_files(place, set, part);
    }
  fail_missing(set, part, files, tried, foreign);
}

Dataset load(std::string_view name, Part part, const Options& options) {
  if (part == Part::validation)
    fail<ValueError>("[data] {} has no validation part of its own; load_parts takes one out of train", name);
  if (own_name(name)) {
    TrainTest both = load_both(name, options);
    return std::move(part == Part::train ? both.train : both.test);
  }
  const SetInfo& set = data_sets().at(std::string(name));
  if (options.coarse_labels && set.format != Format::cifar100)
    fail<ValueError>("[data] {} has no coarse labels, only cifar100 has", name);
  if (options.own.layout != Layout::automatic)
    fail<ValueError>("[data] {} has its layout; --layout is for npz:FILE", name);
  if (options.own.targets)
    fail<ValueError>("[data] {} has classes and no regression target; --loss mse is for npz:FILE", name);
  if (set.format == Format::synthetic) return synthetic(part, options.synthetic_size, options.synthetic_seed);

  Dataset data;
  if (set.format == Format::embedded) {
    data = load_embedded(set, part);
  } else {
    const std::vector<fs::path> files = locate(set, part, options);
    data = set.format == Format::idx    ? load_idx(set, part, files)
           : set.format == Format::svhn ? load_svhn(set, part, files)
                                        : load_cifar(set, part, files, options.coarse_labels);
  }
  if (data.size() != official_count(set, part))
    fail<DataError>("[data] {}: expected the {} images of {}'s {} part, found {}", data.source,
                    official_count(set, part), set.title, name_of(part), data.size());
  check(data);
  return data;
}

TrainTest load_both(std::string_view name, const Options& options) {
  if (const auto own = own_name(name)) {
    if (options.coarse_labels) fail<ValueError>("[data] {} has no coarse labels, only cifar100 has", name);
    return load_own(*own, options.own, options.data_dir);
  }
  return {load(name, Part::train, options), load(name, Part::test, options)};
}

Parts divide(TrainTest both, std::int64_t validation, Key key) {
  const Split split = split_indices(both.train.size(), validation, 0, key);
  Parts parts{both.train.subset(split.train), both.train.subset(split.validation), std::move(both.test)};
  parts.validation.part = Part::validation;
  return parts;
}

Parts load_parts(std::string_view name, std::int64_t validation, Key key, const Options& options) {
  return divide(load_both(name, options), validation, key);
}

}  // namespace glocal::datasets

#include <glocal/datasets/foreign.h>

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/core/text/lower.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/registry.h>

namespace fs = std::filesystem;

namespace glocal::datasets {
namespace {

constexpr std::size_t most_lines = 8, most_entries = 10000;

bool holds_any(std::string_view name, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

// What the name of a file or folder says about it; empty when it says nothing.
std::string_view form_of(const std::string& name, Format format) {
  const bool cifar = format == Format::cifar10 || format == Format::cifar100;
  if (cifar) {
    const bool batch =
        format == Format::cifar10 && (name == "test_batch" || (name.starts_with("data_batch_") && name.size() == 12));
    const bool hundred = format == Format::cifar100 && (name == "train" || name == "test");
    if (batch || hundred || name.starts_with("cifar-10-batches-py") || name.starts_with("cifar-100-python") ||
        name.starts_with("cifar-10-python"))
      return "the Python version (pickles)";
    if (holds_any(name, {"batches-mat", "matlab"}) || name.ends_with(".mat")) return "the MATLAB version";
  }
  if (!holds_any(name, {"mnist", "cifar", "train", "test", "t10k"})) return "";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 13> endings = {{
      {".npz", "arrays of NumPy"},
      {".npy", "an array of NumPy"},
      {".pt", "tensors of PyTorch"},
      {".pth", "tensors of PyTorch"},
      {".pkl", "a pickle of Python"},
      {".pkl.gz", "a pickle of Python"},
      {".csv", "a table of text"},
      {".csv.gz", "a table of text"},
      {".parquet", "a table in Parquet"},
      {".h5", "an HDF5 file"},
      {".zip", "a zip archive that is not unpacked"},
      {".mat", "arrays of MATLAB"},
      {".arff", "a table in ARFF"},
  }};
  for (const auto& [ending, words] : endings)
    if (name.ends_with(ending)) return words;
  return "";
}

std::string way_out(const SetInfo& set) {
  constexpr const char* own = "; or save its arrays with numpy.savez(\"FILE\", x=..., y=...) for --dataset npz:FILE";
  if (set.format == Format::idx || set.format == Format::svhn)
    return fmt::format("{} files are read, and glocal data fetch {} downloads them{}",
                       set.format == Format::idx ? "IDX" : "the .mat", set.name, own);
  return fmt::format("the binary version is read, {}{}, and glocal data fetch {} downloads it{}", set.mirrors.front(),
                     set.archives.front().name, set.name, own);
}

// Another set whose files of this part are all here.
const SetInfo* other_set_in(const fs::path& folder, const SetInfo& set, Part part) {
  std::error_code error;
  for (const SetInfo& other : data_sets().entries()) {
    const std::vector<File>& files = part == Part::train ? other.train_files : other.test_files;
    if (other.format == set.format || other.archives.empty() || files.empty()) continue;
    if (std::all_of(files.begin(), files.end(), [&](const File& file) {
          return fs::exists(folder / file.name, error) ||
                 (other.format == Format::idx && fs::exists(folder / (file.name + ".gz"), error));
        }))
      return &other;
  }
  return nullptr;
}

// An IDX file as some sites name it, with a point for the dash: train-images.idx3-ubyte.
std::string official_name(std::string name, const SetInfo& set, Part part) {
  const std::size_t point = name.find(".idx");
  if (set.format != Format::idx || point == std::string::npos) return "";
  name[point] = '-';
  for (const File& file : part == Part::train ? set.train_files : set.test_files)
    if (name == file.name || name == file.name + ".gz") return name;
  return "";
}

}  // namespace

std::string foreign_files(const fs::path& folder, const SetInfo& set, Part part) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end && names.size() < most_entries;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  std::vector<std::string> lines;
  if (const SetInfo* other = other_set_in(folder, set, part))
    lines.push_back(
        fmt::format("{}: the files of {}; use --dataset {}", printable(folder.string()), other->title, other->name));
  for (const std::string& name : names) {
    const std::string path = printable((folder / name).string());
    if (!set.archives.empty() && set.format != Format::idx &&
        name.starts_with(set.archives.front().name.substr(0, set.archives.front().name.find(".gz")))) {
      lines.push_back(fmt::format("{}: the right archive, not unpacked; tar -xf it there", path));
    } else if (const std::string official = official_name(name, set, part); !official.empty()) {
      lines.push_back(fmt::format("{}: an IDX file of another name; call it {}", path, official));
    } else if (const std::string_view form = form_of(lower(name), set.format); !form.empty()) {
      lines.push_back(fmt::format("{}: {}; {}", path, form, way_out(set)));
    }
  }
  std::string out;
  for (std::size_t i = 0; i < std::min(lines.size(), most_lines); ++i) out += "\n  " + lines[i];
  return out;
}

}  // namespace glocal::datasets

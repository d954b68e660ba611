#include <glocal/datasets/own/images.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/lower.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/own/raw.h>
#include <glocal/datasets/readers/payload.h>
#include <glocal/datasets/readers/picture.h>

namespace fs = std::filesystem;

namespace glocal::datasets {
namespace {

// What a folder holds, by name; hidden entries, and what systems leave in folders of pictures, are passed over.
struct Entries {
  std::vector<fs::path> folders, files;
};
Entries entries_of(const fs::path& folder) {
  Entries out;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.') || lower(name) == "thumbs.db" || lower(name) == "desktop.ini") continue;
    (entry->is_directory(error) ? out.folders : out.files).push_back(entry->path());
  }
  if (error) fail<IoError>("[images] cannot read the folder {}: {}", folder.string(), error.message());
  for (std::vector<fs::path>* list : {&out.folders, &out.files}) std::sort(list->begin(), list->end());
  return out;
}

template <std::size_t N>
bool ends_with_any(const fs::path& file, const std::array<const char*, N>& endings) {
  const std::string name = lower(file.filename().string());
  return std::any_of(endings.begin(), endings.end(), [&](const char* ending) { return name.ends_with(ending); });
}
bool is_picture(const fs::path& file) { return ends_with_any(file, std::array{".png", ".jpg", ".jpeg"}); }
// Pictures that would be missed if they were passed over.
bool is_foreign_picture(const fs::path& file) {
  return ends_with_any(file, std::array{".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm",
                                        ".jp2", ".heic", ".avif", ".jxl", ".svg", ".ico", ".tga", ".jfif"});
}

class Part {
 public:
  Part(const fs::path& folder, bool to_evaluate) {
    part_.source = folder.string();
    const Entries entries = entries_of(folder);
    classes_ = entries.folders;
    if (to_evaluate && classes_.empty()) {
      unlabelled_ = pictures_in(folder);
      return;
    }
    for (const fs::path& file : entries.files)
      if (is_picture(file))
        fail<DataError>("[images] {}: a picture beside the folders of the classes; put it into one of them",
                        printable(file.string()));
    if (classes_.size() < (to_evaluate ? 1 : 2))
      fail<DataError>("[images] {}: expected a folder for each class, at least 2, found {}", folder.string(),
                      classes_.size());
  }

  std::vector<std::string> class_names() const {
    std::vector<std::string> names;
    for (const fs::path& folder : classes_) names.push_back(folder.filename().string());
    return names;
  }

  // Reads all pictures; labels are the places of their folders' names in `names`.
  RawPart read(const std::vector<std::string>& names) {
    std::vector<std::pair<fs::path, std::int64_t>> files;
    for (const fs::path& folder : classes_) {
      const auto at = std::find(names.begin(), names.end(), folder.filename().string());
      if (at == names.end())
        fail<DataError>("[images] {}: a class that the training part does not have", printable(folder.string()));
      for (const fs::path& file : pictures_in(folder)) files.emplace_back(file, at - names.begin());
    }
    for (const fs::path& file : unlabelled_) files.emplace_back(file, -1);
    for (const auto& [file, label] : files) {
      add(file, static_cast<std::int64_t>(files.size()));
      part_.files.push_back(file.lexically_relative(part_.source).string());
      if (label >= 0) part_.labels.push_back(label);
    }
    part_.count = static_cast<std::int64_t>(files.size());
    return std::move(part_);
  }
  std::vector<std::string> notes() const {
    std::vector<std::string> notes;
    if (grey_ > 0 && part_.channels == 3) notes.push_back(fmt::format("{} grey pictures taken as colour", grey_));
    if (rounded_ > 0) notes.push_back(fmt::format("{} pictures of 16 bits rounded to 8", rounded_));
    if (!unlabelled_.empty()) notes.emplace_back("no folders of classes: the pictures have no labels");
    if (passed_over_ > 0) notes.push_back(fmt::format("{} files that are no pictures passed over", passed_over_));
    return notes;
  }
  void like(const RawPart& other) { like_ = &other; }
  // Channels of the pictures read before become three.
  static void colour(RawPart& part) {
    const auto plane = static_cast<std::size_t>(part.height * part.width);
    std::vector<std::uint8_t> wide;
    wide.reserve(3 * part.pixels.size());
    for (std::size_t at = 0; at < part.pixels.size(); at += plane)
      for (int c = 0; c < 3; ++c)
        wide.insert(wide.end(), part.pixels.begin() + static_cast<std::ptrdiff_t>(at),
                    part.pixels.begin() + static_cast<std::ptrdiff_t>(at + plane));
    part.pixels = std::move(wide);
    part.channels = 3;
  }

 private:
  std::vector<fs::path> pictures_in(const fs::path& folder) {
    const Entries entries = entries_of(folder);
    if (!entries.folders.empty())
      fail<DataError>("[images] {}: expected pictures alone in the folder of a class, found a folder in it",
                      printable(entries.folders.front().string()));
    std::vector<fs::path> pictures;
    for (const fs::path& file : entries.files) {
      if (is_picture(file))
        pictures.push_back(file);
      else if (is_foreign_picture(file))
        fail<DataError>("[images] {}: expected PNG and JPEG pictures; convert it: mogrify -format png FILE",
                        printable(file.string()));
      else
        ++passed_over_;
    }
    if (pictures.empty())
      fail<DataError>("[images] {}: expected PNG or JPEG pictures of this class, found none",
                      printable(folder.string()));
    return pictures;
  }

  void add(const fs::path& path, std::int64_t count) {
    const std::string file = printable(path.string());
    Picture picture = parse_picture(read_data_file(path.string()), file);
    const bool first = part_.pixels.empty();
    if (first) {
      part_.height = picture.height, part_.width = picture.width, part_.channels = picture.channels;
      first_ = file;
      if (like_) part_.height = like_->height, part_.width = like_->width, first_ = like_->source;
      if (picture.height * picture.width * picture.channels > most_raw_bytes / count)
        fail<DataError>(
            "[images] {} pictures of {} x {} pixels, as {}, are more than {} bytes; make them smaller: "
            "mogrify -resize 64x64! FILE",
            count, picture.width, picture.height, file, most_raw_bytes);
    }
    if (picture.height != part_.height || picture.width != part_.width)
      fail<DataError>(
          "[images] {}: expected {} x {} pixels as in {}, found {} x {}; give all one size: mogrify -resize {}x{}! "
          "FILE",
          file, part_.width, part_.height, first_, picture.width, picture.height, part_.width, part_.height);
    grey_ += picture.channels == 1;
    rounded_ += picture.rounded;
    if (picture.channels == 3 && part_.channels == 1) {
      if (3 * picture.height * picture.width > most_raw_bytes / count)
        fail<DataError>("[images] {}: {} colour pictures are more than {} bytes; make them smaller", file, count,
                        most_raw_bytes);
      colour(part_);
    }
    for (std::int64_t c = 0; c < part_.channels / picture.channels; ++c)
      part_.pixels.insert(part_.pixels.end(), picture.pixels.begin(), picture.pixels.end());
  }

  RawPart part_;
  const RawPart* like_ = nullptr;  // the part whose sizes these pictures have
  std::string first_;
  std::vector<fs::path> classes_, unlabelled_;
  std::int64_t grey_ = 0, rounded_ = 0, passed_over_ = 0;
};

// Folders that are parts and no classes: DIR/train with DIR/test, or with DIR/val where there is no test.
struct Parts {
  fs::path train, test, unused;
};
Parts parts_of(const fs::path& folder) {
  Parts parts;
  fs::path validation;
  bool others = false;
  for (const fs::path& each : entries_of(folder).folders) {
    const std::string name = lower(each.filename().string());
    fs::path& part = name == "train" || name == "training"                      ? parts.train
                     : name == "test" || name == "testing"                      ? parts.test
                     : name == "val" || name == "valid" || name == "validation" ? validation
                                                                                : parts.unused;
    others = others || &part == &parts.unused;
    part = each;
  }
  if (others || parts.train.empty() || entries_of(parts.train).folders.empty()) return {folder, {}, {}};
  parts.unused = validation;
  if (parts.test.empty()) std::swap(parts.test, parts.unused);
  return parts;
}

}  // namespace

RawData read_images_data(const std::string& folder, const RawOptions& options) {
  if (options.targets) fail<ValueError>("[images] {}: folders are classes; --loss mse needs npz:FILE", folder);
  if (options.layout != Layout::automatic)
    fail<ValueError>("[images] {}: pictures say where their colours are; leave --layout out", folder);
  std::error_code error;
  if (!fs::is_directory(folder, error)) fail<DataError>("[images] {}: expected a folder of pictures", folder);
  const Parts parts = parts_of(folder);
  RawData data;
  data.no_test = "folders train and test";
  Part train(parts.train, options.to_evaluate);
  data.class_names = train.class_names();
  data.train = train.read(data.class_names);
  data.notes = train.notes();
  if (!parts.test.empty()) {
    Part test(parts.test, options.to_evaluate);
    test.like(data.train);
    data.test = test.read(data.class_names);
    if (data.test->channels > data.train.channels)
      fail<DataError>("[images] {}: colour pictures, where those of the training part are all grey", data.test->source);
    if (data.test->channels < data.train.channels) Part::colour(*data.test);
    for (std::string& note : test.notes()) data.notes.push_back("test part: " + note);
    data.notes.push_back(fmt::format("the test part is {}", parts.test.filename().string()));
  }
  if (!parts.unused.empty())
    data.notes.push_back(fmt::format("not used: {}; validation images are taken out of the training part",
                                     parts.unused.filename().string()));
  return data;
}

}  // namespace glocal::datasets

#include <glocal/datasets/own/npz.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/element_type.h>
#include <glocal/core/error.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/own/raw.h>
#include <glocal/datasets/readers/payload.h>

namespace glocal::datasets {
namespace {

using Kind = ElementType::Kind;

struct Names {
  std::string x, y;
};
const std::vector<Names> train_names = {
    {"x_train", "y_train"},           {"X_train", "y_train"}, {"x", "y"}, {"X", "y"},
    {"train_images", "train_labels"}, {"images", "labels"}};
const std::vector<Names> test_names = {{"x_test", "y_test"}, {"X_test", "y_test"}, {"test_images", "test_labels"}};

// The file with the names of its arrays; what it unpacks to is bounded by its own length.
class Archive {
 public:
  Archive(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {
    if (bytes.starts_with("\x93NUMPY"))
      fail<DataError>("[npz] {}: expected a .npz with arrays x and y, found a single array; write it with {}", file,
                      how);
    if (!bytes.starts_with("PK"))
      fail<DataError>("[npz] {}: expected a .npz file of NumPy, found something else: {}", file,
                      describe_content(bytes));
    names_ = names_in_npz(bytes, file);
  }
  bool has(const std::string& name) const { return std::find(names_.begin(), names_.end(), name) != names_.end(); }
  std::string member(const std::string& name) const {
    constexpr std::uint64_t at_least = std::uint64_t{24} << 20, per_byte = 64;
    const std::uint64_t most = std::min<std::uint64_t>(most_raw_bytes, at_least + per_byte * bytes_.size());
    return npz_member(bytes_, file_, name, most);
  }
  std::string where(const std::string& name) const { return file_ + ": " + name; }
  std::string all() const {
    std::vector<std::string> shown;
    for (const std::string& name : names_)
      if (shown.size() < 12) shown.push_back(printable(name.substr(0, 40)));
    return fmt::format("{}{}", fmt::join(shown, ", "), names_.size() > shown.size() ? ", ..." : "");
  }
  const std::vector<std::string>& names() const { return names_; }
  const std::string& file() const { return file_; }

  static constexpr const char* how = "numpy.savez(\"data.npz\", x=..., y=...), or x_train, y_train, x_test and y_test";

 private:
  std::string_view bytes_;
  const std::string& file_;
  std::vector<std::string> names_;
};

// As numpy calls it.
std::string name_of(const ElementType& type) {
  const char* kinds[] = {"float", "bfloat", "int", "uint", "bool"};
  return type.kind == Kind::boolean ? "bool" : fmt::format("{}{}", kinds[static_cast<int>(type.kind)], 8 * type.width);
}

bool is_bytes(const ElementType& type) {
  return type.width == 1 && (type.kind == Kind::natural || type.kind == Kind::boolean);
}

// The axis of x that each of N, C, H and W is; -1: it has one only. Rows (N, F) of bytes are W, other rows C.
struct Axes {
  std::array<int, 4> of;
  std::string words;
};

Axes axes_of(const Shape& shape, Layout layout, bool bytes, const std::string& where) {
  if (shape.rank() != 4 && layout != Layout::automatic)
    fail<DataError>("[npz] {}: shape {}: --layout is for four axes; leave it out", where, shape);
  if (shape.rank() == 2)
    return bytes ? Axes{{0, -1, -1, 1}, "rows (N, F) of pixels"}
                 : Axes{{0, 1, -1, -1}, "rows (N, F), each of the F features normalised by itself"};
  if (shape.rank() == 3) return {{0, -1, 1, 2}, "(N, H, W), one channel"};
  if (shape.rank() != 4)
    fail<DataError>("[npz] {}: shape: expected (N, H, W), (N, H, W, C), (N, C, H, W) or rows (N, F), found {}", where,
                    shape);
  if (layout == Layout::automatic) {
    constexpr std::int64_t most_channels = 4;  // grey, with alpha, colour, with alpha
    const bool square_first = shape[1] == shape[2], square_last = shape[2] == shape[3];
    bool first = shape[1] <= most_channels, last = shape[3] <= most_channels;
    if (!first && !last) first = square_last, last = square_first;
    const bool small = (first && square_first && !square_last) || (last && square_last && !square_first);
    if (first == last || small)
      fail<DataError>("[npz] {}: shape {}: its channels may be the second axis or the last; give --layout nchw or nhwc",
                      where, shape);
    layout = first ? Layout::nchw : Layout::nhwc;
  }
  if (layout == Layout::nchw) return {{0, 1, 2, 3}, "(N, C, H, W)"};
  return {{0, 3, 1, 2}, "(N, H, W, C)"};
}

// Numbers of an array in the order of its axes, moved to (N, C, H, W). `columns_first`: as Fortran has them.
template <class To, class From>
std::vector<To> moved(const From* from, const Shape& shape, bool columns_first, const std::array<int, 4>& axes) {
  std::array<std::int64_t, 8> stride{};
  std::int64_t step = 1;
  for (int i = 0; i < shape.rank(); ++i) {
    const int axis = columns_first ? i : shape.rank() - 1 - i;
    stride[static_cast<std::size_t>(axis)] = step;
    step *= shape[axis];
  }
  std::array<std::int64_t, 4> size{}, by{};
  for (std::size_t i = 0; i < 4; ++i) {
    size[i] = axes[i] < 0 ? 1 : shape[axes[i]];
    by[i] = axes[i] < 0 ? 0 : stride[static_cast<std::size_t>(axes[i])];
  }
  std::vector<To> out;
  out.reserve(static_cast<std::size_t>(shape.size()));
  for (std::int64_t n = 0; n < size[0]; ++n)
    for (std::int64_t c = 0; c < size[1]; ++c)
      for (std::int64_t y = 0; y < size[2]; ++y)
        for (std::int64_t x = 0; x < size[3]; ++x)
          out.push_back(static_cast<To>(from[n * by[0] + c * by[1] + y * by[2] + x * by[3]]));
  return out;
}

// Numbers of x or of a target as f32. Throws DataError for one that is not finite, or is not so in f32.
std::vector<float> finite_floats(const Tensor& tensor, const std::array<int, 4>& axes, const std::string& where) {
  return visit_any(tensor.dtype(), [&]<class T>() {
    std::vector<float> values = moved<float>(tensor.data<T>(), tensor.shape(), false, axes);
    const auto bad = std::find_if_not(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
    if (bad != values.end())
      fail<DataError>("[npz] {}: expected finite numbers that fit f32, found {} in row {}", where, *bad,
                      (bad - values.begin()) / (std::ssize(values) / tensor.dim(0)));
    return values;
  });
}

void read_x(RawPart& part, const NpyArray& array, const Axes& axes, const std::string& where) {
  const Shape& shape = array.shape;
  if (shape.size() == 0) fail<DataError>("[npz] {}: shape: expected sizes of at least 1, found {}", where, shape);
  const auto size = [&](std::size_t i) { return axes.of[i] < 0 ? 1 : shape[axes.of[i]]; };
  part.count = size(0), part.channels = size(1), part.height = size(2), part.width = size(3);
  if (is_bytes(array.type)) {
    part.pixels = moved<std::uint8_t>(reinterpret_cast<const std::uint8_t*>(array.data.data()), shape,
                                      array.columns_first, axes.of);
    return;
  }
  if (shape.size() > most_raw_bytes / 4)
    fail<DataError>("[npz] {}: shape {}: more than {} bytes as f32; store pixels as uint8", where, shape,
                    most_raw_bytes);
  const Tensor numbers = decode_elements(array.type, array.data, shape, array.columns_first, "[npz] " + where);
  if (numbers.dtype() == DType::i32) {
    const auto span = numbers.span<std::int32_t>();
    if (std::all_of(span.begin(), span.end(), [](std::int32_t x) { return x >= 0 && x <= 255; })) {
      part.pixels = moved<std::uint8_t>(span.data(), shape, false, axes.of);
      return;
    }
  }
  part.values = finite_floats(numbers, axes.of, where);
}

void read_y(RawPart& part, const NpyArray& array, bool targets, const std::string& where) {
  const Shape& shape = array.shape;
  const bool column = shape.rank() == 2 && shape[1] == 1;
  if (shape.rank() == 0 || shape[0] != part.count)
    fail<DataError>("[npz] {}: shape: expected {} rows, one per image, found {}", where, part.count, shape);
  if (!targets) {
    if (array.type.kind == Kind::real)
      fail<DataError>(
          "[npz] {}: type: expected labels of an integer type, found {}; make them one (y.astype(int)), or give "
          "--loss mse for a regression target",
          where, name_of(array.type));
    if (shape.rank() == 2 && !column)
      fail<DataError>("[npz] {}: shape: expected one label per image, found {}; of one-hot rows take y.argmax(1)",
                      where, shape);
  }
  if (shape.rank() > 2 || shape.size() == 0)
    fail<DataError>("[npz] {}: shape: expected (N,){}, found {}", where, targets ? " or (N, D)" : "", shape);
  const Tensor numbers = decode_elements(array.type, array.data, shape, array.columns_first, "[npz] " + where);
  if (targets) {
    part.outputs = shape.rank() == 2 ? shape[1] : 1;
    part.targets = finite_floats(numbers, {0, shape.rank() == 2 ? 1 : -1, -1, -1}, where);
    return;
  }
  const auto span = numbers.span<std::int32_t>();
  part.labels.assign(span.begin(), span.end());
}

// The pair of the list that the file has, if any; of one without labels the first half.
const Names* find_names(const Archive& archive, const std::vector<Names>& list, bool labels_needed) {
  const Names* found = nullptr;
  for (const Names& names : list) {
    if (!archive.has(names.x)) continue;
    if (found) fail<DataError>("[npz] {}: {} and {} are both there; leave one out", archive.file(), found->x, names.x);
    if (labels_needed && !archive.has(names.y))
      fail<DataError>("[npz] {}: expected {} beside {}, found {}", archive.file(), names.y, names.x, archive.all());
    found = &names;
  }
  return found;
}

struct Read {
  RawPart part;
  ElementType type;
};

Read read_part(const Archive& archive, const Names& names, const RawOptions& options, std::vector<std::string>& notes) {
  Read read;
  read.part.source = archive.file();
  {
    const std::string bytes = archive.member(names.x), where = archive.where(names.x);
    const NpyArray array = parse_npy(bytes, where);
    const Axes axes = axes_of(array.shape, options.layout, is_bytes(array.type), where);
    read.type = array.type;
    read_x(read.part, array, axes, where);
    notes.push_back(fmt::format("{} {} {} taken as {}{}", names.x, name_of(array.type), array.shape, axes.words,
                                read.part.pixels.empty() || is_bytes(array.type) ? "" : " of pixels 0 to 255"));
  }
  if (!archive.has(names.y)) {
    notes.push_back(fmt::format("no {}: the images have no labels", names.y));
    return read;
  }
  const std::string bytes = archive.member(names.y), where = archive.where(names.y);
  const NpyArray array = parse_npy(bytes, where);
  read_y(read.part, array, options.targets, where);
  notes.push_back(fmt::format("{} {} {} taken as {}", names.y, name_of(array.type), array.shape,
                              options.targets ? "regression target" : "labels"));
  return read;
}

// Pixels that are not all bytes in both parts are numbers in both.
void widen(RawPart& part) {
  if (part.pixels.empty()) return;
  part.values.assign(part.pixels.begin(), part.pixels.end());
  part.pixels = {};
}

void match(Read& train, Read& test, const Names& names, const std::string& file) {
  const RawPart &a = train.part, &b = test.part;
  if (a.channels != b.channels || a.height != b.height || a.width != b.width)
    fail<DataError>("[npz] {}: {}: expected images of {} x {} x {} as in the training part, found {} x {} x {}", file,
                    names.x, a.channels, a.height, a.width, b.channels, b.height, b.width);
  if (a.outputs != b.outputs)
    fail<DataError>("[npz] {}: {}: expected {} numbers per image as in the training part, found {}", file, names.y,
                    a.outputs, b.outputs);
  const auto real = [](const Read& read) { return read.type.kind == Kind::real; };
  if (real(train) != real(test))
    fail<DataError>("[npz] {}: {}: expected {} as in the training part, found {}; their scales may differ", file,
                    names.x, name_of(train.type), name_of(test.type));
  if (a.pixels.empty() == b.pixels.empty()) return;
  widen(train.part);
  widen(test.part);
}

}  // namespace

RawData parse_npz_data(std::string_view bytes, const std::string& file, const RawOptions& options) {
  const Archive archive(bytes, file);
  const Names* train = find_names(archive, train_names, !options.to_evaluate);
  const Names* test = find_names(archive, test_names, !options.to_evaluate);
  if (!train && options.to_evaluate) std::swap(train, test);
  if (!train)
    fail<DataError>("[npz] {}: expected arrays x and y, or x_train and y_train, found {}; write them with {}", file,
                    archive.all(), Archive::how);
  RawData data;
  data.no_test = "x_test and y_test";
  Read read = read_part(archive, *train, options, data.notes);
  if (test) {
    Read other = read_part(archive, *test, options, data.notes);
    match(read, other, *test, file);
    data.test = std::move(other.part);
  }
  data.train = std::move(read.part);
  std::vector<std::string> left;
  for (const std::string& name : archive.names()) {
    const auto used = [&](const Names* names) { return names && (name == names->x || name == names->y); };
    if (!used(train) && !used(test)) left.push_back(printable(name.substr(0, 40)));
  }
  if (left.size() > 6) left.resize(6), left.emplace_back("...");
  if (!left.empty()) data.notes.push_back(fmt::format("not used: {}", fmt::join(left, ", ")));
  return data;
}

RawData read_npz_data(const std::string& path, const RawOptions& options) {
  return parse_npz_data(read_data_file(path), path, options);
}

}  // namespace glocal::datasets

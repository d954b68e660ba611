// A user's own data as his files hold them, before labels become classes and parts become data sets.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace glocal::datasets {

/// Where the channels of (N, ., ., .) stand: automatic where one axis can be theirs, else to be told.
enum class Layout : std::uint8_t { automatic, nhwc, nchw };

struct RawPart {
  std::string source;  ///< the file or folder, for messages
  std::int64_t count = 0, channels = 0, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  ///< (N, C, H, W), or else
  std::vector<float> values;         ///< the same, of what are no bytes; all finite
  std::vector<std::int64_t> labels;  ///< (N,), any whole numbers, none where they are not known; or else
  std::vector<float> targets;        ///< (N, outputs), all finite
  std::int64_t outputs = 0;
  std::vector<std::string> files;  ///< (N,) of images that have each its own: its path from `source`; else none
};

struct RawData {
  RawPart train;
  std::optional<RawPart> test;
  std::string no_test;                   ///< where there is none: what would have been it, "x_test and y_test"
  std::vector<std::string> class_names;  ///< of labels 0, 1, ...; empty: a class is called by its number
  std::vector<std::string> notes;        ///< what was taken for what, a line each
};

struct RawOptions {
  Layout layout = Layout::automatic;
  bool targets = false;  ///< y is a regression target, no labels
  /// For a network that is trained: labels may be missing, or be of one class, and one part is enough, whichever.
  bool to_evaluate = false;
};

/// More bytes of images than this are refused before they are read or unpacked.
constexpr std::int64_t most_raw_bytes = std::int64_t{1} << 32;

}  // namespace glocal::datasets

// Labelled images in memory: raw bytes as the files hold them, turned into normalised tensors batch by batch.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/tensor.h>

namespace glocal::datasets {

enum class Part : std::uint8_t { train, validation, test };
std::string_view name_of(Part part);

/// What one training step sees.
struct Batch {
  Tensor x;            ///< (N, C, H, W) f32 or f64, normalised: (pixel / scale - mean[c]) / stddev[c]
  Tensor y;            ///< (N,) i32, each in [0, classes); none where a target is to be met
  Tensor target = {};  ///< (N, outputs) like x, each output with mean 0 and deviation 1 over the training part
};

struct Dataset {
  std::string name;    ///< as in the registry: "mnist"
  std::string title;   ///< as printed: "MNIST"; starts with "SYNTHETIC" when synthetic, says so when not official
  std::string source;  ///< the file or folder it was read from, or "embedded"
  Part part = Part::train;
  bool synthetic = false;

  std::int64_t channels = 0, height = 0, width = 0;
  std::int64_t classes = 0;
  std::vector<std::uint8_t> pixels;  ///< (N, C, H, W)
  std::vector<std::int32_t> labels;  ///< (N,)
  double scale = 255;                ///< the pixel value that means 1.0 (16 for digits)
  std::vector<double> mean, stddev;  ///< (C,) each, of pixel / scale over the official training part
  std::vector<std::string> class_names;

  double black = 0, white = 0;      ///< the numbers that are drawn so; both 0: 0 and scale
  std::vector<float> values = {};   ///< (N, C, H, W) instead of pixels, of data that are not bytes
  std::int64_t outputs = 0;         ///< numbers to be met per image (regression); 0: it has a label
  std::vector<float> targets = {};  ///< (N, outputs) instead of labels
  std::vector<double> target_mean = {}, target_stddev = {};  ///< (outputs,) over the training part
  std::vector<std::string> files = {};  ///< (N,) of pictures that have each its own: its path from `source`; else none
  std::vector<std::string> notes = {};  ///< of a user's own files: what was taken for what, a line each

  bool regression() const { return outputs > 0; }
  std::int64_t answers() const { return regression() ? outputs : classes; }  ///< numbers that a model gives per image
  std::int64_t size() const {
    return regression() ? static_cast<std::int64_t>(targets.size()) / outputs
                        : static_cast<std::int64_t>(labels.size());
  }
  std::int64_t features() const { return channels * height * width; }  ///< numbers per image
  std::span<const std::uint8_t> image(std::int64_t index) const;       ///< (C, H, W); ValueError out of range, no bytes
  /// Number `at` of the image (C, H, W), as its file has it; ValueError out of range.
  double number(std::int64_t index, std::int64_t at) const;

  /// The images at `indices`, in that order; throws ValueError for an index outside [0, size()).
  Batch batch(std::span<const std::int64_t> indices, DType dtype = DType::f32) const;
  /// Images [begin, end) in file order, for evaluation; throws ValueError when the range is not inside [0, size()].
  Batch range(std::int64_t begin, std::int64_t end, DType dtype = DType::f32) const;
  Batch all(DType dtype = DType::f32) const { return range(0, size(), dtype); }

  /// The images at `indices` as a dataset of their own, everything else alike.
  Dataset subset(std::span<const std::int64_t> indices) const;
  std::vector<std::int64_t> histogram() const;  ///< images per class, (classes,); none of a regression
};

/// The two parts that files have.
struct TrainTest {
  Dataset train, test;
};

struct Moments {
  double mean = 0, stddev = 0;
};
/// Of number / scale, per channel.
std::vector<Moments> moments(const Dataset& data);

/// Throws DataError unless pixels, labels, classes and normalisation fit together and every label is in range.
void check(const Dataset& data);

}  // namespace glocal::datasets

// Augmentation: random changes of training images that leave their labels right.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/registry.h>

namespace glocal::datasets {

/// How one image (C, H, W) is read: pixel (i, j) of the result is pixel (i + down, j + right) of the image, or what
/// `beyond` says where there is none; mirrored left to right after that; 0 inside the hole.
struct View {
  enum class Beyond : std::uint8_t { zero /* the mean colour */, reflect /* mirrored at the edge pixel */ };
  std::int64_t down = 0, right = 0;
  Beyond beyond = Beyond::zero;
  bool mirrored = false;
  struct Hole {
    std::int64_t top = 0, left = 0, bottom = 0, right = 0;  ///< rows [top, bottom), columns [left, right) of the result
  } hole = {};
};

/// What an augmentation may draw from: random numbers of this place in this step's batch, or of this image for good.
struct Draw {
  Key place;  ///< a stream for each augmentation, step and place in the batch
  Key image;  ///< a stream for each augmentation and image of the data set, the same in every epoch
  std::int64_t epoch = 0;
  std::int64_t height = 0, width = 0;
};

/// One augmentation. Its strength is a whole number of pixels, or none; or, without `apply`, a number that has a
/// derivative: the hyperparameter of that name, which belongs to whoever trains.
struct Augmentation {
  enum class Changes : std::uint8_t { nothing, place, side, hole, light };  ///< of one kind there can be one

  std::string name, about;
  Changes changes;
  std::optional<double> strength;  ///< the usual one; nothing: it has none
  void (*apply)(View& view, std::int64_t strength, const Draw& draw);
};
const Registry<Augmentation>& augmentations();

/// A list of augmentations, each with its strength, for images of one size.
class Augment {
 public:
  /// texts: "crop", "flip", "cutout=8", in any order; "none" is nothing. Throws ValueError for an unknown name, two
  /// that change the same, a strength that is none or does not fit the images, or one given where there is none.
  Augment(const std::vector<std::string>& texts, std::int64_t height, std::int64_t width, Key key);

  bool empty() const { return parts_.empty(); }  ///< images stay as they are
  /// Strengths of those that are hyperparameters: ("brightness", 0.2).
  const std::vector<std::pair<std::string, double>>& hyper() const { return hyper_; }
  /// Images x (N, C, H, W) of step t, which stand at places first, first + 1, ... of its batch and have these indices
  /// in the data set. Every number depends on (key, t, place, index, epoch) alone. Throws ShapeError.
  Tensor operator()(const Tensor& x, std::span<const std::int64_t> indices, std::int64_t t, std::int64_t epoch,
                    std::int64_t first = 0) const;
  /// How the image `index` is read at `place` of step t.
  View view(std::int64_t index, std::int64_t place, std::int64_t t, std::int64_t epoch) const;

 private:
  struct Part {
    Augmentation augmentation;
    std::int64_t strength;
    Key places, images;
  };
  std::vector<Part> parts_;
  std::vector<std::pair<std::string, double>> hyper_;
  std::int64_t height_, width_;
};

/// x (N, C, H, W), every image mirrored left to right.
Tensor mirrored(const Tensor& x);

}  // namespace glocal::datasets

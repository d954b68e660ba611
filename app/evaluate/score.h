// What a network says of images, and how right that is.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/app/record/network.h>
#include <glocal/app/settings/options.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/dataset.h>

namespace glocal::app {

struct Evaluation {
  Tensor logits;                         ///< (N, K), K classes of the network
  std::vector<std::int32_t> predicted;   ///< (N,): the class of the largest logit, the first of equal ones
  std::vector<double> probability;       ///< (N,): of that class, softmax of the logits
  std::vector<std::int32_t> labels;      ///< (N,): in the network's classes, -1 where not known
  std::vector<std::string> class_names;  ///< (K,)
  std::vector<std::string> files;        ///< (N,) of pictures that have each its own, else none
  double loss = 0, accuracy = 0;         ///< of the images whose label is known: mean cross entropy, share right
  std::vector<std::vector<std::int64_t>> confusion;  ///< images of class [label] that were given class [predicted]
  std::int64_t known = 0;                            ///< images whose label is known
  std::string note;  ///< how the classes of the data were matched, "" where they are the same

  std::int64_t size() const { return static_cast<std::int64_t>(predicted.size()); }
  std::int64_t images_of(std::size_t label) const;
  std::int64_t given(std::size_t predicted_class) const;  ///< of the images whose label is known
};

/// Runs the network over all images, which are normalised as those it was trained on. Classes are matched by name, or
/// by number where no name is the same and there are as many. Throws DataError for images of another shape, or classes
/// that the network does not have; NumericError for logits that are not finite; Interrupted.
Evaluation evaluate(const Network& network, datasets::Dataset images);

/// "index,class,class_name,probability,label", a line an image, and ",file" where each has its own; the label is empty
/// where it is not known.
std::string predictions_csv(const Evaluation& evaluation);
Json to_json(const Evaluation& evaluation);

}  // namespace glocal::app

// The table of known datasets: shapes, official files with their hashes, mirrors, licence, citation.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/core/text/registry.h>

namespace glocal::datasets {

enum class Format : std::uint8_t { idx, cifar10, cifar100, svhn, embedded, synthetic };

/// A file as it is read, uncompressed. Empty hashes: none has been published.
struct File {
  std::string name;
  std::int64_t bytes = 0;
  std::string sha256 = {};
  std::vector<int> first_labels = {};  ///< how the official file begins, known for some files without a hash
};

/// A file as it is downloaded: one that the readers take as it is, or a .tar.gz or .zip that is unpacked.
struct Archive {
  std::string name;
  std::int64_t bytes = 0;
  std::string sha256 = {};
};

struct SetInfo {
  std::string name;   ///< as on the command line: "fashion-mnist"
  std::string title;  ///< as printed: "Fashion-MNIST"
  Format format = Format::idx;
  std::int64_t train = 0, test = 0;  ///< official image counts
  std::int64_t channels = 1, height = 28, width = 28, classes = 10;
  double scale = 255;                          ///< the pixel value that means 1.0
  std::vector<double> mean = {}, stddev = {};  ///< per channel, of pixel / scale over the training part
  std::vector<std::string> class_names = {};
  std::vector<std::string> coarse_class_names = {};  ///< CIFAR-100 only: the 20 superclasses
  std::vector<std::string> folders = {};  ///< sub-folders tried inside each searched folder; "" is the folder itself
  std::vector<File> train_files = {}, test_files = {};
  std::vector<Archive> archives = {};
  std::vector<std::string> mirrors = {};  ///< each ends in '/', the archive's name follows
  std::string licence = {}, citation = {};
  bool transposed = false;  ///< the file has rows and columns of an image exchanged
  int first_label = 0;      ///< the number that the file has for class 0
};

const Registry<SetInfo>& data_sets();

}  // namespace glocal::datasets

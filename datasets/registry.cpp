#include <glocal/datasets/registry.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/text/registry.h>

namespace glocal::datasets {
namespace {

const std::vector<std::string> ten_digits = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

SetInfo digits() {
  SetInfo set{.name = "digits", .title = "Digits (UCI, 8x8)", .format = Format::embedded, .train = 1500, .test = 297};
  set.height = set.width = 8;
  set.scale = 16;
  set.mean = {0.3051}, set.stddev = {0.3750};
  set.class_names = ten_digits;
  set.train_files = {
      {"digits-images-idx3-ubyte", 115024, "359cd13f0f514122884198b78a131df597421cbf5e93a76678fa96fc548f0d96"},
      {"digits-labels-idx1-ubyte", 1805, "ce71631c1f31ce56fa54f31d1d498fafacff59b001e6c30c4a5e29508aa277ad"}};
  set.licence = "CC BY 4.0";
  set.citation =
      "E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, 1998. "
      "https://doi.org/10.24432/C50P49";
  return set;
}

// MNIST and its relatives: the same four files, sizes and shapes. Hashes are given in the order of `names`.
struct IdxHashes {
  std::vector<std::string> payload_sha256;  // empty when none has been published
  std::vector<std::int64_t> archive_bytes;
  std::vector<std::string> archive_sha256;
};

SetInfo idx_set(std::string name, std::string title, const IdxHashes& hashes) {
  static const std::vector<std::string> names = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                                 "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  static const std::vector<std::int64_t> bytes = {47040016, 60008, 7840016, 10008};
  SetInfo set{.name = std::move(name), .title = std::move(title), .format = Format::idx, .train = 60000, .test = 10000};
  for (std::size_t i = 0; i < names.size(); ++i) {
    File file{.name = names[i], .bytes = bytes[i]};
    if (!hashes.payload_sha256.empty()) file.sha256 = hashes.payload_sha256[i];
    (i < 2 ? set.train_files : set.test_files).push_back(file);
    set.archives.push_back({names[i] + ".gz", hashes.archive_bytes[i], hashes.archive_sha256[i]});
  }
  return set;
}

SetInfo mnist() {
  SetInfo set = idx_set("mnist", "MNIST",
                        {.payload_sha256 = {"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                                            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                                            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                                            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
                         .archive_bytes = {9912422, 28881, 1648877, 4542},
                         .archive_sha256 = {"440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                                            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                                            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                                            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}});
  set.mean = {0.1307}, set.stddev = {0.3081};
  set.class_names = ten_digits;
  set.folders = {"mnist", "MNIST/raw", ""};
  set.mirrors = {"https://ossci-datasets.s3.amazonaws.com/mnist/",
                 "https://storage.googleapis.com/cvdf-datasets/mnist/"};
  set.licence = "CC BY-SA 3.0";
  set.citation =
      "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. "
      "Proceedings of the IEEE 86(11), 1998.";
  return set;
}

SetInfo fashion_mnist() {
  SetInfo set = idx_set("fashion-mnist", "Fashion-MNIST",
                        {.payload_sha256 = {"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                                            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                                            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                                            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
                         .archive_bytes = {26421880, 29515, 4422102, 5148},
                         .archive_sha256 = {"3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                                            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                                            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                                            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}});
  set.mean = {0.2860}, set.stddev = {0.3530};
  set.class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                     "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  set.folders = {"fashion-mnist", "FashionMNIST/raw", ""};
  set.mirrors = {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"};
  set.licence = "MIT";
  set.citation =
      "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking machine learning "
      "algorithms. arXiv:1708.07747, 2017.";
  return set;
}

SetInfo kmnist() {
  SetInfo set = idx_set("kmnist", "KMNIST",
                        {.payload_sha256 = {},
                         .archive_bytes = {18165135, 29497, 3041136, 5120},
                         .archive_sha256 = {"51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                                            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                                            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                                            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"}});
  set.mean = {0.1918}, set.stddev = {0.3483};
  set.class_names = {"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"};
  set.folders = {"kmnist", "KMNIST/raw", ""};
  set.mirrors = {"http://codh.rois.ac.jp/kmnist/dataset/kmnist/"};
  set.licence = "CC BY-SA 4.0";
  set.citation =
      "T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha: Deep learning for classical Japanese "
      "literature. arXiv:1812.01718, 2018.";
  return set;
}

SetInfo cifar(std::string name, std::string title, Format format) {
  SetInfo set{.name = std::move(name), .title = std::move(title), .format = format, .train = 50000, .test = 10000};
  set.channels = 3;
  set.height = set.width = 32;
  set.mirrors = {"https://www.cs.toronto.edu/~kriz/"};
  set.licence = "none stated";
  set.citation =
      "A. Krizhevsky: Learning multiple layers of features from tiny images. Technical report, University of Toronto, "
      "2009.";
  return set;
}

SetInfo cifar10() {
  SetInfo set = cifar("cifar10", "CIFAR-10", Format::cifar10);
  set.mean = {0.4914, 0.4822, 0.4465}, set.stddev = {0.2470, 0.2435, 0.2616};
  set.class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  set.folders = {"cifar-10-batches-bin", "cifar10/cifar-10-batches-bin", "cifar10", ""};
  const std::vector<std::vector<int>> first_labels = {{6, 9, 9, 4, 1, 1, 2, 7, 8, 3},
                                                      {1, 6, 6, 8, 8, 3, 4, 6, 0, 6},
                                                      {8, 5, 0, 6, 9, 2, 8, 3, 6, 2},
                                                      {0, 6, 0, 2, 7, 2, 1, 2, 4, 1},
                                                      {}};
  for (std::size_t i = 0; i < first_labels.size(); ++i)
    set.train_files.push_back({"data_batch_" + std::to_string(i + 1) + ".bin", 30730000, "", first_labels[i]});
  set.test_files = {{"test_batch.bin", 30730000, "", {3, 8, 8, 0, 6, 6, 1, 6, 3, 1}}};
  set.archives = {
      {"cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}};
  return set;
}

SetInfo cifar100() {
  SetInfo set = cifar("cifar100", "CIFAR-100", Format::cifar100);
  set.classes = 100;
  set.mean = {0.5071, 0.4865, 0.4409}, set.stddev = {0.2673, 0.2564, 0.2762};
  set.class_names = {
      "apple",      "aquarium_fish", "baby",         "bear",       "beaver",      "bed",         "bee",
      "beetle",     "bicycle",       "bottle",       "bowl",       "boy",         "bridge",      "bus",
      "butterfly",  "camel",         "can",          "castle",     "caterpillar", "cattle",      "chair",
      "chimpanzee", "clock",         "cloud",        "cockroach",  "couch",       "crab",        "crocodile",
      "cup",        "dinosaur",      "dolphin",      "elephant",   "flatfish",    "forest",      "fox",
      "girl",       "hamster",       "house",        "kangaroo",   "keyboard",    "lamp",        "lawn_mower",
      "leopard",    "lion",          "lizard",       "lobster",    "man",         "maple_tree",  "motorcycle",
      "mountain",   "mouse",         "mushroom",     "oak_tree",   "orange",      "orchid",      "otter",
      "palm_tree",  "pear",          "pickup_truck", "pine_tree",  "plain",       "plate",       "poppy",
      "porcupine",  "possum",        "rabbit",       "raccoon",    "ray",         "road",        "rocket",
      "rose",       "sea",           "seal",         "shark",      "shrew",       "skunk",       "skyscraper",
      "snail",      "snake",         "spider",       "squirrel",   "streetcar",   "sunflower",   "sweet_pepper",
      "table",      "tank",          "telephone",    "television", "tiger",       "tractor",     "train",
      "trout",      "tulip",         "turtle",       "wardrobe",   "whale",       "willow_tree", "wolf",
      "woman",      "worm"};
  set.coarse_class_names = {"aquatic_mammals",
                            "fish",
                            "flowers",
                            "food_containers",
                            "fruit_and_vegetables",
                            "household_electrical_devices",
                            "household_furniture",
                            "insects",
                            "large_carnivores",
                            "large_man-made_outdoor_things",
                            "large_natural_outdoor_scenes",
                            "large_omnivores_and_herbivores",
                            "medium_mammals",
                            "non-insect_invertebrates",
                            "people",
                            "reptiles",
                            "small_mammals",
                            "trees",
                            "vehicles_1",
                            "vehicles_2"};
  set.folders = {"cifar-100-binary", "cifar100/cifar-100-binary", "cifar100", ""};
  set.train_files = {{"train.bin", 153700000, "", {}}};
  set.test_files = {{"test.bin", 30740000, "", {}}};
  set.archives = {
      {"cifar-100-binary.tar.gz", 168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"}};
  return set;
}

// The first `digits` of 0 to 9, the capitals, and these small letters.
std::vector<std::string> characters(int digits, int capitals, const std::string& small) {
  std::vector<std::string> names(ten_digits.begin(), ten_digits.begin() + digits);
  for (int i = 0; i < capitals; ++i) names.emplace_back(1, static_cast<char>('A' + i));
  for (const char letter : small) names.emplace_back(1, letter);
  return names;
}

// One of the divisions of EMNIST: means and deviations as commonly stated, nearly alike in all of them.
SetInfo emnist(const std::string& division, std::int64_t train, std::int64_t test, std::vector<std::string> names,
               double mean = 0.1736, double stddev = 0.3317) {
  SetInfo set{.name = "emnist-" + division, .title = "EMNIST " + division, .train = train, .test = test};
  set.classes = std::ssize(names);
  set.class_names = std::move(names);
  set.mean = {mean}, set.stddev = {stddev};
  set.transposed = true;
  for (const bool first : {true, false}) {
    const std::string part = set.name + (first ? "-train-" : "-test-");
    const std::int64_t count = first ? train : test;
    (first ? set.train_files : set.test_files) = {{part + "images-idx3-ubyte", 16 + 784 * count},
                                                  {part + "labels-idx1-ubyte", 8 + count}};
  }
  set.folders = {"emnist", "EMNIST/raw", "gzip", ""};
  set.archives = {{"gzip.zip", 561753746, "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"}};
  set.mirrors = {"https://biometrics.nist.gov/cs_links/EMNIST/", "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/"};
  set.licence = "none stated";
  set.citation =
      "G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST: an extension of MNIST to handwritten letters. "
      "arXiv:1702.05373, 2017.";
  return set;
}

SetInfo emnist_letters() {
  SetInfo set = emnist("letters", 124800, 20800, characters(0, 26, ""), 0.1722, 0.3309);
  set.first_label = 1;
  return set;
}

// The cropped digits. `extra`: with the easier images that were left over, eight times as many.
SetInfo svhn(bool extra) {
  SetInfo set{.name = extra ? "svhn-extra" : "svhn", .title = extra ? "SVHN with extra" : "SVHN"};
  set.format = Format::svhn;
  set.train = extra ? 73257 + 531131 : 73257, set.test = 26032;
  set.channels = 3;
  set.height = set.width = 32;
  set.mean = {0.4377, 0.4438, 0.4728}, set.stddev = {0.1980, 0.2010, 0.1970};
  set.class_names = ten_digits;
  set.folders = {"svhn", "SVHN", ""};
  set.train_files = {
      {"train_32x32.mat", 182040794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"}};
  set.test_files = {{"test_32x32.mat", 64275384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"}};
  if (extra)
    set.train_files.push_back(
        {"extra_32x32.mat", 1329278602, "a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3"});
  for (const auto* files : {&set.train_files, &set.test_files})
    for (const File& file : *files) set.archives.push_back({file.name, file.bytes, file.sha256});
  set.mirrors = {"http://ufldl.stanford.edu/housenumbers/"};
  set.licence = "for research alone, not commercial";
  set.citation =
      "Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng: Reading digits in natural images with unsupervised "
      "feature learning. NIPS workshop, 2011.";
  return set;
}

SetInfo synthetic_set() {
  SetInfo set{.name = "synthetic", .title = "SYNTHETIC (patterns plus noise)", .format = Format::synthetic};
  set.mean = {0.5}, set.stddev = {0.2};
  set.class_names = ten_digits;
  set.licence = "none needed";
  return set;
}

}  // namespace

// A new data set in one of the formats is one line here.
const Registry<SetInfo>& data_sets() {
  static const Registry<SetInfo> all(
      "data set", "glocal list datasets",
      {digits(), mnist(), fashion_mnist(), kmnist(), cifar10(), cifar100(),
       emnist("balanced", 112800, 18800, characters(10, 26, "abdefghnqrt"), 0.1751, 0.3332),
       emnist("byclass", 697932, 116323, characters(10, 26, "abcdefghijklmnopqrstuvwxyz")),
       emnist("bymerge", 697932, 116323, characters(10, 26, "abdefghnqrt")),
       emnist("digits", 240000, 40000, ten_digits), emnist_letters(), emnist("mnist", 60000, 10000, ten_digits),
       svhn(false), svhn(true), synthetic_set()});
  return all;
}

}  // namespace glocal::datasets

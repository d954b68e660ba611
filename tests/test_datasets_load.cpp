#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/parallel.h>
#include <glocal/core/random.h>
#include <glocal/datasets/digest.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/verify.h>

#include "data_files.h"
#include "scratch.h"

using namespace data_files;
using namespace glocal;
using namespace glocal::datasets;

namespace {

// Mean and deviation of each channel, of pixel / scale.
std::vector<double> measured(const Dataset& data) {
  std::vector<double> out;
  const std::int64_t plane = data.height * data.width;
  for (std::int64_t c = 0; c < data.channels; ++c) {
    double sum = 0, squares = 0;
    for (std::int64_t n = 0; n < data.size(); ++n)
      for (const std::uint8_t byte :
           data.image(n).subspan(static_cast<std::size_t>(c * plane), static_cast<std::size_t>(plane))) {
        sum += byte;
        squares += static_cast<double>(byte) * byte;
      }
    const double count = static_cast<double>(data.size() * plane), mean = sum / count;
    out.push_back(mean / data.scale);
    out.push_back(std::sqrt(squares / count - mean * mean) / data.scale);
  }
  return out;
}

void check_normalisation(const Dataset& data, double tolerance) {
  const std::vector<double> found = measured(data);
  for (std::size_t c = 0; c < data.mean.size(); ++c) {
    CHECK(std::abs(found[2 * c] - data.mean[c]) < tolerance);
    CHECK(std::abs(found[2 * c + 1] - data.stddev[c]) < tolerance);
  }
}

// The official test part's sizes, with made-up content: labels cycle through 0..9.
std::string ten_thousand_images() { return idx({10000, 28, 28}, std::string(10000 * 784, '\x07')); }
std::string ten_thousand_labels() {
  std::string values(10000, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<char>(i % 10);
  return idx({10000}, values);
}

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("load: digits are in the library") {
    const Dataset train = load("digits", Part::train), test = load("digits", Part::test);
    CHECK(train.size() == 1500);
    CHECK(test.size() == 297);
    CHECK(train.source == "embedded");
    CHECK(train.channels == 1);
    CHECK(train.height == 8);
    CHECK(train.histogram() == std::vector<std::int64_t>{151, 151, 150, 153, 148, 152, 151, 149, 146, 149});
    CHECK(test.histogram() == std::vector<std::int64_t>{27, 31, 27, 30, 33, 30, 30, 30, 28, 31});
    CHECK(std::vector<std::uint8_t>(train.pixels.begin(), train.pixels.begin() + 8) ==
          std::vector<std::uint8_t>{0, 0, 5, 13, 9, 1, 0, 0});
    CHECK(*std::max_element(train.pixels.begin(), train.pixels.end()) == 16);
    check_normalisation(train, 1e-4);
    for (const FileReport& file : verify("digits")) CHECK(file.verdict == Verdict::pass);
  }

  TEST_CASE("dataset: batches are normalised pixels in the asked order") {
    const Dataset data = load("digits", Part::train);
    const std::vector<std::int64_t> indices = {5, 0, 1499, 5};
    const Batch f64 = data.batch(indices, DType::f64), f32 = data.batch(indices);
    CHECK(f64.x.shape() == Shape{4, 1, 8, 8});
    CHECK(f64.y.shape() == Shape{4});
    CHECK(f64.y.dtype() == DType::i32);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      CHECK(f64.y.data<std::int32_t>()[i] == data.labels[static_cast<std::size_t>(indices[i])]);
      for (std::size_t k = 0; k < 64; ++k) {
        const double want = (data.image(indices[i])[k] / 16.0 - 0.3051) / 0.3750;
        CHECK(f64.x.data<double>()[i * 64 + k] == doctest::Approx(want).epsilon(1e-14));
        CHECK(f32.x.data<float>()[i * 64 + k] == static_cast<float>(f64.x.data<double>()[i * 64 + k]));
      }
    }
    CHECK(same_bits(data.range(3, 9).x, data.batch(std::vector<std::int64_t>{3, 4, 5, 6, 7, 8}).x));
    CHECK(data.all().x.dim(0) == 1500);
    CHECK_THROWS_AS(data.batch(std::vector<std::int64_t>{0, 1500}), ValueError);
    CHECK_THROWS_AS(data.batch(std::vector<std::int64_t>{-1}), ValueError);
    CHECK_THROWS_AS(data.batch(std::vector<std::int64_t>{0}, DType::i32), DTypeError);
    CHECK_THROWS_AS(data.range(1400, 1501), ValueError);
  }

  TEST_CASE("dataset: each channel is normalised by its own mean and deviation") {
    Dataset data;
    data.channels = 3, data.height = 1, data.width = 2, data.classes = 2, data.scale = 200;
    data.pixels = {0, 100, 50, 200, 150, 20};
    data.labels = {1};
    data.mean = {0.1, 0.2, 0.3};
    data.stddev = {0.5, 0.25, 0.125};
    const Tensor x = data.all(DType::f64).x;
    const double expected[] = {-0.2, 0.8, 0.2, 3.2, 3.6, -1.6};
    for (std::int64_t k = 0; k < 6; ++k) CHECK(x.at(k) == doctest::Approx(expected[k]).epsilon(1e-13));
  }

  TEST_CASE("dataset: the same bits for one thread and for four") {
    const Dataset data = load("digits", Part::train);
    const int before = threads();
    set_threads(1);
    const Tensor one = data.all().x;
    set_threads(4);
    const Tensor four = data.all().x;
    set_threads(before);
    CHECK(same_bits(one, four));
  }

  TEST_CASE("dataset: check refuses what does not fit") {
    const Dataset data = load("digits", Part::test);
    Dataset wrong = data;
    wrong.labels[7] = 10;
    CHECK(message_of<DataError>([&] { check(wrong); }) ==
          "[dataset] embedded: label of image 7: expected 0..9, found 10");
    wrong = data;
    wrong.labels.pop_back();
    CHECK_THROWS_AS(check(wrong), DataError);
    wrong = data;
    wrong.stddev = {0};
    CHECK_THROWS_AS(check(wrong), DataError);
  }

  TEST_CASE("load: parts by key and their union is the training part") {
    const Parts parts = load_parts("digits", 300, key(2));
    CHECK(parts.train.size() == 1200);
    CHECK(parts.validation.size() == 300);
    CHECK(parts.test.size() == 297);
    CHECK(parts.validation.part == Part::validation);
    auto counts = parts.train.histogram();
    const auto validation = parts.validation.histogram();
    for (std::size_t c = 0; c < counts.size(); ++c) counts[c] += validation[c];
    CHECK(counts == load("digits", Part::train).histogram());
    CHECK(parts.validation.pixels == load_parts("digits", 300, key(2)).validation.pixels);
    CHECK(parts.validation.pixels != load_parts("digits", 300, key(3)).validation.pixels);
    CHECK_THROWS_AS(load_parts("digits", 1500, key(2)), ValueError);
  }

  TEST_CASE("load: synthetic data says so and repeats by seed") {
    const Options options{.data_dir = {}, .synthetic_size = 500, .synthetic_seed = 4};
    const Dataset data = load("synthetic", Part::train, options);
    CHECK(data.synthetic);
    CHECK(data.title.starts_with("SYNTHETIC"));
    CHECK(data.size() == 500);
    check(data);
    check_normalisation(data, 0.05);
    CHECK(data.pixels == load("synthetic", Part::train, options).pixels);
    CHECK(data.pixels != load("synthetic", Part::test, options).pixels);
    CHECK(!load("digits", Part::train).synthetic);
  }

  // 7 x 7 blocks of 4 x 4 pixels: grey 128 and the class's own normal numbers of deviation 20, under noise.
  TEST_CASE("load: synthetic images of a class share the pattern of the seed, block by block") {
    const Dataset data = load("synthetic", Part::train, {.data_dir = {}, .synthetic_size = 2000, .synthetic_seed = 4});
    const Tensor pattern = normal(split(key(4), 0), {10, 7, 7}, 0, 20);
    std::vector<double> sums(490), count(10);
    for (std::int64_t i = 0; i < data.size(); ++i) {
      const auto label = static_cast<std::size_t>(data.labels[static_cast<std::size_t>(i)]);
      ++count[label];
      for (std::size_t k = 0; k < 784; ++k) sums[label * 49 + k / 28 / 4 * 7 + k % 28 / 4] += data.image(i)[k] / 16.0;
    }
    for (std::size_t k = 0; k < 490; ++k)
      CHECK(std::abs(sums[k] / count[k / 49] - 128 - pattern.at(static_cast<std::int64_t>(k))) < 6);
  }

  TEST_CASE("load: folders are searched in the documented order") {
    const Scratch given;
    const Environment data("GLOCAL_DATA", "/env"), cache("XDG_CACHE_HOME", "/cache");
    const std::vector<std::filesystem::path> folders = search_folders({.data_dir = given.path});
    const std::vector<std::filesystem::path> expected{given.path, "/env", "./data", "/cache/glocal/datasets",
                                                      "/usr/share/datasets"};
    CHECK(folders == expected);
  }

  TEST_CASE("load: missing data lists every path and the ways out") {
    const Scratch folder;
    const Environment data("GLOCAL_DATA", (folder.path / "env").string());
    const Environment cache("XDG_CACHE_HOME", (folder.path / "cache").string());
    const std::string given = folder.path.string();
    const std::string message = message_of<DataError>([&] { load("kmnist", Part::train, {.data_dir = given}); });
    for (const std::string& part :
         {given + "/kmnist", given + "/KMNIST/raw", given + "/env/kmnist", std::string("./data/kmnist"),
          given + "/cache/glocal/datasets/kmnist", std::string("/usr/share/datasets/kmnist"),
          std::string("train-images-idx3-ubyte"), std::string("fetch.cmake"),
          std::string("apt-get install dataset-fashion-mnist"), std::string("./data/kmnist, or give their folder"),
          std::string("--dataset digits")})
      CHECK_MESSAGE(contains(message, part), part);
    folder.write("kmnist/train-images-idx3-ubyte", "x");
    CHECK(contains(message_of<DataError>([&] { load("kmnist", Part::train, {.data_dir = given}); }),
                   given + "/kmnist   (without train-labels-idx1-ubyte)"));
    CHECK(contains(message_of<DataError>([&] { load("kmnist", Part::train, {.data_dir = given + "/typo"}); }),
                   "expected a folder, found nothing"));
    CHECK(contains(message_of<ValueError>([] { load("mnits", Part::train); }), "did you mean mnist?"));
    CHECK_THROWS_AS(load("digits", Part::validation), ValueError);
    CHECK_THROWS_AS(load("digits", Part::train, {.data_dir = {}, .coarse_labels = true}), ValueError);
  }

  TEST_CASE("load: files in another form are named with what they are and the way out") {
    const Environment data("GLOCAL_DATA", ""), cache("XDG_CACHE_HOME", "/nonexistent");
    const auto said = [](const std::string& set, const std::vector<std::string>& files, Part part = Part::train) {
      const Scratch folder;
      for (const std::string& file : files) folder.write(file, "x");
      const std::string message = message_of<DataError>([&] { load(set, part, {.data_dir = folder.path}); });
      const std::size_t at = message.find("\nFound there, but in another form:\n  " + folder.path.string());
      return at == std::string::npos ? "" : message.substr(at, message.find("\nWays out") - at);
    };
    const std::string binary10 =
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz, and glocal data fetch cifar10";
    for (const std::string folder : {"", "cifar10/", "cifar-10-batches-bin/"}) {
      const std::string words =
          said("cifar10", {folder + "data_batch_1", folder + "test_batch", folder + "batches.meta"});
      CHECK(contains(words,
                     folder + "data_batch_1: the Python version (pickles); the binary version is read, " + binary10));
      CHECK(contains(words, folder + "test_batch: the Python version"));
      CHECK_FALSE(contains(words, "batches.meta"));
    }
    CHECK(contains(said("cifar10", {"cifar-10-batches-py/data_batch_1"}), "/cifar-10-batches-py: the Python version"));
    CHECK(contains(said("cifar10", {"cifar-10-python.tar.gz"}), "cifar-10-python.tar.gz: the Python version"));
    CHECK(contains(said("cifar10", {"cifar-10-matlab.tar.gz"}), "the MATLAB version"));
    CHECK(contains(said("cifar10", {"data_batch_1.mat"}), "the MATLAB version"));
    CHECK(contains(said("cifar10", {"cifar-10-binary.tar.gz"}), "the right archive, not unpacked; tar -xf"));
    CHECK(contains(said("cifar10", {"cifar-10-binary.tar"}), "the right archive, not unpacked"));
    CHECK(contains(said("cifar10", {"train.bin"}), ": the files of CIFAR-100; use --dataset cifar100"));
    CHECK(contains(said("cifar100", {"test_batch.bin"}, Part::test), ": the files of CIFAR-10; use --dataset cifar10"));
    CHECK(contains(said("cifar100", {"cifar-100-python/train"}), "cifar-100-python: the Python version (pickles)"));
    CHECK(contains(said("cifar100", {"train", "test", "meta"}), "train: the Python version (pickles)"));
    CHECK(contains(said("cifar10", {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"}), "use --dataset mnist"));
    for (const auto& [file, words] : std::vector<std::pair<std::string, std::string>>{
             {"mnist.npz", "arrays of NumPy; IDX files are read, and glocal data fetch mnist downloads them"},
             {"MNIST.zip", "a zip archive that is not unpacked"},
             {"mnist_train.csv", "a table of text"},
             {"mnist/train.csv", "a table of text"},
             {"MNIST/raw/training.pt", "tensors of PyTorch"},
             {"mnist.pkl.gz", "a pickle of Python"},
             {"train-00000-of-00001.parquet", "a table in Parquet"},
             {"train-images.idx3-ubyte", "an IDX file of another name; call it train-images-idx3-ubyte"}})
      CHECK_MESSAGE(contains(said("mnist", {file}), file + ": " + words), file);
    CHECK(said("mnist", {"notes.txt", "other.csv"}).empty());
    CHECK(said("cifar10", {}).empty());
  }

  TEST_CASE("load: layouts and search order") {
    const Scratch given, env, cache;
    const Environment data("GLOCAL_DATA", env.path.string());
    const Environment home("XDG_CACHE_HOME", cache.path.string());
    const std::string images = gzip(ten_thousand_images()), labels = gzip(ten_thousand_labels());
    const auto put = [&](const Scratch& folder, const std::string& place) {
      folder.write(place + "t10k-images-idx3-ubyte.gz", images);
      folder.write(place + "t10k-labels-idx1-ubyte.gz", labels);
      return (folder.path / place).lexically_normal();
    };
    const auto source = [&](const std::filesystem::path& dir = {}) {
      return (std::filesystem::path(load("kmnist", Part::test, {.data_dir = dir}).source) / "").lexically_normal();
    };
    const auto in_cache = put(cache, "glocal/datasets/kmnist/");
    CHECK(source() == in_cache);
    const auto in_env = put(env, "");
    CHECK(source() == in_env);
    const auto torch_layout = put(given, "KMNIST/raw/");
    CHECK(source(given.path) == torch_layout);
    const auto named = put(given, "kmnist/");
    CHECK(source(given.path) == named);
    CHECK(load("kmnist", Part::test).labels[13] == 3);
  }

  TEST_CASE("load: official counts and shapes are demanded") {
    const Scratch folder;
    const auto refused = [&](const std::string& images, const std::string& labels) {
      folder.write("t10k-images-idx3-ubyte", images);
      folder.write("t10k-labels-idx1-ubyte", labels);
      return message_of<DataError>([&] { load("kmnist", Part::test, {.data_dir = folder.path}); });
    };
    CHECK(contains(refused(idx({2, 28, 28}, std::string(2 * 784, 'x')), idx({3}, "\1\2\3")),
                   "found 2 images and 3 labels"));
    CHECK(contains(refused(idx({2, 28, 28}, std::string(2 * 784, 'x')), idx({2}, "\1\2")),
                   "expected the 10000 images of KMNIST's test part, found 2"));
    CHECK(contains(refused(idx({2, 28, 27}, std::string(2 * 756, 'x')), idx({2}, "\1\2")), "found 28 x 27"));
    std::string labels = ten_thousand_labels();
    labels.back() = '\x0a';
    CHECK(contains(refused(ten_thousand_images(), labels), "label of image 9999: expected 0..9, found 10"));
    CHECK(contains(refused(idx({10000}, std::string(10000, '\0')), labels), "magic"));
    CHECK(contains(refused("<html>moved</html>   ", labels), "web page"));
  }

  TEST_CASE("load: CIFAR-10 and CIFAR-100 in their layouts") {
    const Scratch folder;
    std::string ten;
    for (int i = 0; i < 10000; ++i) ten += static_cast<char>(i % 10) + std::string(3072, static_cast<char>(i % 251));
    folder.write("cifar-10-batches-bin/test_batch.bin", ten);
    const Dataset data = load("cifar10", Part::test, {.data_dir = folder.path});
    CHECK(data.size() == 10000);
    CHECK(data.features() == 3072);
    CHECK(data.title == "CIFAR-10 (not the official files)");
    CHECK(data.labels[4321] == 1);
    CHECK(data.image(4321)[1000] == 4321 % 251);
    CHECK_THROWS_AS(load("cifar10", Part::train, {.data_dir = folder.path}), DataError);

    const std::vector<int> official = {3, 8, 8, 0, 6, 6, 1, 6, 3, 1};
    for (std::size_t i = 0; i < official.size(); ++i) ten[3073 * i] = static_cast<char>(official[i]);
    folder.write("cifar-10-batches-bin/test_batch.bin", ten);
    CHECK(load("cifar10", Part::test, {.data_dir = folder.path}).title == "CIFAR-10");

    std::string hundred;
    for (int i = 0; i < 10000; ++i)
      hundred += std::string{static_cast<char>(i % 20), static_cast<char>(i % 100)} + std::string(3072, '\5');
    folder.write("test.bin", hundred);
    const Options fine{.data_dir = folder.path}, coarse{.data_dir = folder.path, .coarse_labels = true};
    CHECK(load("cifar100", Part::test, fine).labels[9999] == 99);
    CHECK(load("cifar100", Part::test, fine).classes == 100);
    CHECK(load("cifar100", Part::test, coarse).labels[9999] == 19);
    CHECK(load("cifar100", Part::test, coarse).class_names.size() == 20);

    folder.write("cifar-10-batches-bin/test_batch.bin", hundred);
    CHECK(contains(message_of<DataError>([&] { load("cifar10", Part::test, fine); }), "CIFAR-100 file"));
    folder.write("cifar-10-batches-bin/test_batch.bin", ten.substr(0, 3073 * 9999));
    CHECK(contains(message_of<DataError>([&] { load("cifar10", Part::test, fine); }), "found 9999"));
  }

  TEST_CASE("registry: every row is complete and consistent") {
    std::set<std::string> names;
    std::map<std::string, std::string> files_of;  // by hash: two sets may share a file, two files share no hash
    const auto is_of = [&](const std::string& hash, const std::string& file) {
      return hash.size() == 64 && files_of.emplace(hash, file).first->second == file;
    };
    for (const SetInfo& set : data_sets().entries()) {
      INFO(set.name);
      CHECK(names.insert(set.name).second);
      CHECK(set.mean.size() == static_cast<std::size_t>(set.channels));
      CHECK(set.stddev.size() == static_cast<std::size_t>(set.channels));
      CHECK(set.class_names.size() == static_cast<std::size_t>(set.classes));
      CHECK(std::is_sorted(set.coarse_class_names.begin(), set.coarse_class_names.end()));
      CHECK(!set.licence.empty());
      CHECK(&data_sets().at(set.name) == &set);
      for (const auto* files : {&set.train_files, &set.test_files})
        for (const File& file : *files) {
          CHECK(file.bytes > 0);
          CHECK((file.sha256.empty() || is_of(file.sha256, file.name)));
        }
      for (const Archive& archive : set.archives) CHECK(is_of(archive.sha256, archive.name));
      for (const std::string& mirror : set.mirrors) CHECK(mirror.back() == '/');
      CHECK(set.archives.empty() == set.mirrors.empty());
    }
    const auto& hundred = data_sets().at("cifar100").class_names;
    CHECK(std::is_sorted(hundred.begin(), hundred.end()));
  }

  TEST_CASE("load: the real Fashion-MNIST") {
    if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")) {
      MESSAGE("skipped: the package dataset-fashion-mnist is not installed");
      return;
    }
    const Options options{.data_dir = "/usr/share/datasets"};
    for (const FileReport& file : verify("fashion-mnist", options)) {
      INFO(file.file, " ", file.note);
      CHECK(file.verdict == Verdict::pass);
    }
    const Dataset train = load("fashion-mnist", Part::train, options);
    CHECK(train.histogram() == std::vector<std::int64_t>(10, 6000));
    CHECK(train.title == "Fashion-MNIST");
    CHECK(train.class_names[static_cast<std::size_t>(train.labels[0])] == "Ankle boot");
    check_normalisation(train, 5e-5);
    CHECK(load("fashion-mnist", Part::test, options).histogram() == std::vector<std::int64_t>(10, 1000));
    CHECK(contains(
        message_of<DataError>([] { load("mnist", Part::test, {.data_dir = "/usr/share/datasets/fashion-mnist"}); }),
        "expected the labels of MNIST, found those of Fashion-MNIST; use --dataset fashion-mnist"));
  }

  TEST_CASE("verify: changed bytes and another length and an unreadable file fail") {
    const Scratch folder;
    for (const std::string prefix : {"train", "t10k"}) {
      folder.write(prefix + "-images-idx3-ubyte.gz", gzip(ten_thousand_images()).substr(0, 500));
      folder.write(prefix + "-labels-idx1-ubyte", ten_thousand_labels());
    }
    const auto files = verify("mnist", {.data_dir = folder.path});
    REQUIRE(files.size() == 4);
    CHECK(contains(files[0].note, "truncated"));
    CHECK(files[1].note == "length: expected 60008 bytes, found 10008");
    CHECK(files[3].note == "differs from the official bytes");
    CHECK(files[3].sha256 == sha256(ten_thousand_labels()));
    for (const FileReport& file : files) CHECK(file.verdict == Verdict::fail);
    CHECK_THROWS_AS(verify("synthetic"), ValueError);
    folder.write("t10k-labels-idx1-ubyte.gz", gzip(ten_thousand_labels()));
    std::filesystem::remove(folder.path / "t10k-labels-idx1-ubyte");
    CHECK(verify("mnist", {.data_dir = folder.path})[3].bytes == 10008);  // of the payload, not of the archive
  }
}

// A user's own data through the command: arrays, IDX files and pictures, classes and targets.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <glocal/app/command/png.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/core/error.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/readers/picture.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/tune/tune.h>

#include "command.h"
#include "data_files.h"

namespace fs = std::filesystem;
using namespace data_files;
using namespace glocal;
using namespace glocal::datasets;
using nlohmann::json;

namespace {

const std::string quietly = "PATH=/nowhere ";  // without gnuplot, which takes longer than all else

Tensor whole_numbers(const std::vector<std::int32_t>& numbers) {
  return Tensor::from(numbers, Shape{static_cast<std::int64_t>(numbers.size())});
}

// `count` grey images of `side` pixels, whose brightness says their class; labels 3, 7 and 9.
void write_images(const std::string& path, std::int64_t count, const Shape& image, bool with_test = false) {
  std::map<std::string, Tensor> arrays;
  for (const std::string part : {"train", "test"}) {
    if (part == "test" && !with_test) continue;
    std::vector<std::int64_t> sizes{count};
    for (int axis = 0; axis < image.rank(); ++axis) sizes.push_back(image[axis]);
    Tensor x(Shape(sizes), DType::i32);
    std::vector<std::int32_t> labels;
    for (std::int64_t n = 0; n < count; ++n) {
      const auto label = static_cast<std::int32_t>(n % 3);
      labels.push_back(label == 0 ? 3 : label == 1 ? 7 : 9);
      for (std::int64_t k = 0; k < image.size(); ++k)
        x.data<std::int32_t>()[n * image.size() + k] =
            static_cast<std::int32_t>(60 * label + uniform_int(key(5), static_cast<std::uint64_t>(n * 977 + k), 70));
    }
    arrays["x_" + part] = x;
    arrays["y_" + part] = whole_numbers(labels);
  }
  save_npz(path, arrays);
}

// y = 200 + 50 (x0 - 2 x1) and a little noise.
void write_target(const std::string& path) {
  const Tensor x = normal(key(1), {300, 2}, 0, 1, DType::f64), noise = normal(key(2), {300}, 0, 1, DType::f64);
  Tensor y({300}, DType::f64);
  for (std::int64_t n = 0; n < 300; ++n)
    y.data<double>()[n] = 200 + 50 * (x.at(2 * n) - 2 * x.at(2 * n + 1)) + noise.at(n);
  save_npz(path, {{"x", x}, {"y", y}});
}

void write_pictures(const fs::path& folder, std::int64_t width, std::int64_t height, std::int64_t channels) {
  for (const std::string name : {"cat", "dog"})
    for (int i = 0; i < 12; ++i) {
      std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width * height * channels));
      for (std::size_t k = 0; k < pixels.size(); ++k)
        pixels[k] = static_cast<std::uint8_t>((name == "cat" ? 40 : 160) + (k * 7 + static_cast<std::size_t>(i)) % 50);
      fs::create_directories(folder / name);
      write_file_atomically((folder / name / (std::to_string(10 + i) + ".png")).string(),
                            app::encode_png(width, height, channels, pixels));
    }
}

std::string refused(const Scratch& scratch, const std::string& arguments, int code) {
  const Result result = glocal_command(scratch, arguments + " --quiet --out " + (scratch / "refused"), quietly);
  CHECK_MESSAGE(result.code == code, result.error);
  CHECK_FALSE(fs::exists(scratch / "refused"));
  return result.error;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("own data: arrays train, tune and compare, and the run folder says what classes are called") {
    const Scratch scratch;
    write_images(scratch / "d.npz", 120, {8, 8});
    for (const std::string command : {"train", "tune --block 5", "compare --block 5 --estimators local"}) {
      CAPTURE(command);
      const std::string out = scratch / "run-" + command.substr(0, 4);
      const Result result = glocal_command(
          scratch, command + " --dataset npz:" + (scratch / "d.npz") + " --steps 40 --batch 16 --lr 0.05 --out " + out,
          quietly);
      CHECK_MESSAGE(result.code == 0, result.error);
      CHECK(has(result.error, "x_train int32 (120, 8, 8) taken as (N, H, W), one channel of pixels 0 to 255"));
      CHECK(has(result.error, "labels 3, 7, 9 became classes 0 to 2"));
      CHECK(has(result.error, "no x_test and y_test: 20 of the 120 images, one in 6, are held out as the test part"));
      const std::string run = command.starts_with("compare") ? out + "/local-seed0" : out;
      CHECK(json::parse(read_file(run + "/labels.json")) == json{{"0", "3"}, {"1", "7"}, {"2", "9"}});
      CHECK(json::parse(read_file(run + "/summary.json"))["test"]["accuracy"] > 0.9);
    }
  }

  TEST_CASE("own data: images of FORM:PATH are the numbers of the file in every layout") {
    const Scratch scratch;
    const auto loaded = [&](const Shape& image, Layout layout = Layout::automatic) {
      write_images(scratch / "d.npz", 12, image, /*with_test=*/true);
      Options options;
      options.own.layout = layout;
      return load_both("npz:" + (scratch / "d.npz"), options).train;
    };
    const Dataset last = loaded({5, 6, 3}), first = loaded({3, 5, 6});
    CHECK(last.channels == 3);
    CHECK(last.height == 5);
    CHECK(last.width == 6);
    CHECK(first.channels == 3);
    CHECK(first.height == 5);
    const Tensor x = load_npz_array(scratch / "d.npz", "x_train");  // of `first`
    for (std::int64_t k = 0; k < x.size(); ++k) CHECK(first.pixels[static_cast<std::size_t>(k)] == x.at(k));
    for (std::int64_t n = 0; n < 12; ++n)
      for (std::int64_t c = 0; c < 3; ++c)
        for (std::int64_t p = 0; p < 30; ++p)
          CHECK(last.number(n, c * 30 + p) ==
                60 * (n % 3) + uniform_int(key(5), static_cast<std::uint64_t>(n * 977 + p * 3 + c), 70));
    CHECK(loaded({3, 6, 3}, Layout::nchw).height == 6);
    CHECK(loaded({3, 6, 3}, Layout::nhwc).height == 3);
    CHECK(has(message_of<DataError>([&] { loaded({3, 6, 3}); }), "give --layout nchw or nhwc"));
    CHECK(has(message_of<DataError>([&] { loaded({4, 4, 10}); }), "give --layout nchw or nhwc"));
    CHECK(loaded({10, 9, 9}).channels == 10);
    CHECK(loaded({9, 9, 10}).channels == 10);
  }

  TEST_CASE("own data: the part that is held out is the same for every seed, and every image is in one part") {
    const Scratch scratch;
    write_images(scratch / "d.npz", 61, {4, 4});
    const std::string name = "npz:" + (scratch / "d.npz");
    const Parts one = load_parts(name, 7, key(1)), two = load_parts(name, 7, key(2));
    CHECK(one.test.pixels == two.test.pixels);
    CHECK(one.validation.pixels != two.validation.pixels);
    CHECK(one.train.size() == 44);
    CHECK(one.validation.size() == 7);
    CHECK(one.test.size() == 10);
    std::vector<std::int64_t> counts(3);
    for (const Dataset* part : {&one.train, &one.validation, &one.test})
      for (std::size_t c = 0; c < 3; ++c) counts[c] += part->histogram()[c];
    CHECK(counts == std::vector<std::int64_t>{21, 20, 20});
  }

  TEST_CASE("own data: models take shapes from the data, or say what they need") {
    const Scratch scratch;
    write_images(scratch / "small.npz", 30, {8, 8});
    write_images(scratch / "rows.npz", 30, {40});
    write_images(scratch / "large.npz", 30, {14, 17, 2});
    const auto data = [&](const char* file) { return "train --steps 2 --batch 4 --dataset npz:" + (scratch / file); };
    CHECK(has(refused(scratch, data("small.npz") + " --model lenet", 2), "needs images (C, H, W) of at least 12 x 12"));
    CHECK(has(refused(scratch, data("rows.npz") + " --model resnet20", 2), "needs at least 8 x 8 pixels"));
    for (const std::string model : {"lenet", "resnet20", "wrn28_2", "mlp --hidden none"}) {
      CAPTURE(model);
      const Result result = glocal_command(
          scratch, data("large.npz") + " --quiet --force --out " + (scratch / "run") + " --model " + model, quietly);
      CHECK_MESSAGE(result.code == 0, result.error);
    }
    const auto parameters = load_npz(scratch / "run/params.npz");  // the linear model's
    CHECK(parameters.size() == 2);
    CHECK(parameters.at("layers.0.weight").size() == 14 * 17 * 2 * 3);
    CHECK(json::parse(read_file(scratch / "run/config.json"))["hidden"] == json::array());
    CHECK(
        glocal_command(scratch, data("small.npz") + " --quiet --out " + (scratch / "r2") + " --model resnet20", quietly)
            .code == 0);
  }

  TEST_CASE("own data: a run goes on to the same bits, and not when the file has changed") {
    const Scratch scratch;
    write_images(scratch / "d.npz", 90, {6, 6});
    const std::string command =
        "tune --steps 30 --block 7 --batch 8 --hidden 5 --quiet --dataset npz:" + (scratch / "d.npz") + " --out ";
    REQUIRE(glocal_command(scratch, command + (scratch / "whole"), quietly).code == 0);
    REQUIRE(glocal_command(scratch, command + (scratch / "cut"), quietly + "GLOCAL_INTERRUPT_AT=40").code == 130);
    fs::copy(scratch / "cut", scratch / "cut2", fs::copy_options::recursive);
    CHECK(glocal_command(scratch, "tune --quiet --resume " + (scratch / "cut"), quietly).code == 0);
    CHECK(read_file(scratch / "cut/params.npz") == read_file(scratch / "whole/params.npz"));
    write_images(scratch / "d.npz", 90, {6, 6}, /*with_test=*/true);
    const Result changed = glocal_command(scratch, "tune --quiet --resume " + (scratch / "cut2"), quietly);
    CHECK(changed.code == 3);
    CHECK(has(changed.error, "data with CRC-32"));
  }

  TEST_CASE("own data: a linear model by mse reaches least squares, and no accuracy is shown") {
    const Scratch scratch;
    write_target(scratch / "t.npz");
    const std::string out = scratch / "run";
    const Result result =
        glocal_command(scratch,
                       "train --loss mse --hidden none --steps 400 --batch 50 --lr 0.02 --dtype f64 --dataset npz:" +
                           (scratch / "t.npz") + " --out " + out,
                       quietly);
    CHECK_MESSAGE(result.code == 0, result.error);
    CHECK(has(result.out, "R² 0.999"));
    CHECK_FALSE(has(result.out, "accuracy"));
    CHECK_FALSE(has(read_file(out + "/report.html"), "accuracy"));
    const json summary = json::parse(read_file(out + "/summary.json")),
               meta = json::parse(read_file(out + "/meta.json"));
    CHECK(summary["test"]["accuracy"].is_null());
    // The noise has deviation 1, in units of the target's deviation: least squares leave its variance.
    const double deviation = meta["target"]["deviation"][0];
    CHECK(summary["test"]["loss"].get<double>() * deviation * deviation == doctest::Approx(1).epsilon(0.4));
    for (const std::string& command : {"runs show " + out, "runs report " + out, "runs list " + scratch.path.string()})
      CHECK(glocal_command(scratch, command, quietly).code == 0);
    CHECK(has(glocal_command(scratch, "runs show " + out, quietly).out, "test loss"));
    const Result compared = glocal_command(
        scratch,
        "compare --loss mse --hidden 4 --steps 30 --block 5 --updates 2 --quiet --dataset npz:" + (scratch / "t.npz") +
            " --out " + (scratch / "all"),
        quietly);
    CHECK_MESSAGE(compared.code == 0, compared.error);
    CHECK_FALSE(has(compared.out, "accuracy"));
    CHECK_FALSE(has(read_file(scratch / "all/report.html"), "accuracy"));
  }

  TEST_CASE("own data: a regression that is stopped goes on to the same bits") {
    const Scratch scratch;
    write_target(scratch / "t.npz");
    const std::string command =
        "tune --loss mse --hidden 5 --steps 40 --block 9 --batch 16 --quiet --dataset npz:" + (scratch / "t.npz") +
        " --out ";
    REQUIRE(glocal_command(scratch, command + (scratch / "whole"), quietly).code == 0);
    REQUIRE(glocal_command(scratch, command + (scratch / "cut"), quietly + "GLOCAL_INTERRUPT_AT=60").code == 130);
    const Result result = glocal_command(scratch, "tune --quiet --resume " + (scratch / "cut"), quietly);
    CHECK_MESSAGE(result.code == 0, result.error);
    CHECK(read_file(scratch / "cut/params.npz") == read_file(scratch / "whole/params.npz"));
  }

  TEST_CASE("own data: every estimator tunes a regression") {
    const Scratch scratch;
    write_target(scratch / "t.npz");
    for (const std::string& name : hpo::estimator_names()) {
      CAPTURE(name);
      app::Options options;
      options.experiment.dataset = "npz:" + (scratch / "t.npz");
      options.experiment.loss = "mse";
      options.experiment.model_options.hidden = {3};
      options.experiment.steps = 12;
      options.experiment.batch = 20;
      options.experiment.tune = {"l2"};
      options.tuning.estimator = name;
      options.tuning.estimator_options.tau = 4;
      options.tuning.estimator_options.K = 2;
      options.tuning.updates = 2;
      const train::Experiment experiment = app::build(options, 0);
      hpo::tune(experiment.problem(), experiment.phi(), options.tuning, [&](const hpo::OuterUpdate& update) {
        for (const double h : update.estimate.h) CHECK(std::isfinite(h));
      });
    }
  }

  TEST_CASE("own data: what belongs to labels is refused of a target, and the other way round") {
    const Scratch scratch;
    write_target(scratch / "t.npz");
    write_images(scratch / "d.npz", 30, {8, 8});
    const std::string target = "train --loss mse --steps 3 --dataset npz:" + (scratch / "t.npz");
    CHECK(has(refused(scratch, target + " --noise 0.1", 2), "--noise: of labels"));
    CHECK(has(refused(scratch, target + " --imbalance 2", 2), "--imbalance: of labels"));
    CHECK(has(refused(scratch, target + " --set label_smoothing=0.1", 2), "label_smoothing"));
    CHECK(has(refused(scratch, "train --loss mse --dataset digits", 2), "has classes and no regression target"));
    CHECK(has(refused(scratch, "train --layout nchw --dataset digits", 2), "--layout is for npz:FILE"));
    CHECK(has(refused(scratch, "train --labels coarse --dataset digits", 2), "has no coarse labels"));
    CHECK(has(refused(scratch, "train --labels coarse --dataset npz:" + (scratch / "d.npz"), 2), "no coarse labels"));
    CHECK(has(refused(scratch, "train --dataset npz:" + (scratch / "t.npz"), 3), "--loss mse for a regression target"));
    CHECK(has(refused(scratch, "train --dataset nzp:d.npz", 2), "did you mean npz?"));
    CHECK(has(refused(scratch, "train --dataset npz:", 2), "write npz:FILE"));
    CHECK(has(refused(scratch, "train --dataset npz:nowhere.npz", 3), "is not there"));
    for (const char* command : {"verify", "fetch"}) {
      const Result result = glocal_command(scratch, std::string("data ") + command + " npz:x.npz", quietly);
      CHECK(result.code == 2);
      CHECK(has(result.error, "your own data"));
    }
  }

  TEST_CASE("own data: a relative path is looked for in --data-dir too") {
    const Scratch scratch;
    write_images(scratch / "d.npz", 30, {8, 8});
    CHECK(load("npz:d.npz", Part::train, {.data_dir = scratch.path}).size() == 25);
  }

  TEST_CASE("own data: IDX files by their own names") {
    const Scratch scratch;
    std::string pixels, labels;
    for (int n = 0; n < 12; ++n) {
      pixels += std::string(20, static_cast<char>(n));
      labels += static_cast<char>(n % 4 + 1);
    }
    scratch.write("d/train-images-idx3-ubyte.gz", gzip(idx({12, 4, 5}, pixels)));
    scratch.write("d/train-labels-idx1-ubyte", idx({12}, labels));
    const std::string name = "idx:" + (scratch / "d");
    CHECK(load(name, Part::train).size() == 10);
    scratch.write("d/t10k-images.idx", idx({3, 4, 5}, pixels.substr(0, 60)));
    scratch.write("d/t10k-labels.idx", idx({3}, labels.substr(0, 3)));
    const TrainTest both = load_both(name);
    CHECK(both.train.size() == 12);
    CHECK(both.test.labels == std::vector<std::int32_t>{0, 1, 2});
    CHECK(both.test.class_names == std::vector<std::string>{"1", "2", "3", "4"});
    CHECK(both.test.width == 5);
    scratch.write("d/more-train-images", "");
    CHECK(has(message_of<DataError>([&] { load_both(name); }), "expected one of the images of the training part"));
  }

  TEST_CASE("own data: a folder of pictures per class") {
    if (!reads_png()) {
      MESSAGE("skipped: built without libpng");
      return;
    }
    const Scratch scratch;
    write_pictures(scratch.path / "d", 9, 8, 3);
    const std::string name = "images:" + (scratch / "d");
    const TrainTest both = load_both(name);
    CHECK(both.train.size() == 20);
    CHECK(both.test.size() == 4);
    CHECK(both.train.channels == 3);
    CHECK(both.train.height == 8);
    CHECK(both.train.class_names == std::vector<std::string>{"cat", "dog"});
    const Result result = glocal_command(
        scratch, "train --model resnet20 --steps 3 --batch 4 --dataset " + name + " --out " + (scratch / "run"),
        quietly);
    CHECK_MESSAGE(result.code == 0, result.error);
    CHECK(json::parse(read_file(scratch / "run/labels.json")) == json{{"0", "cat"}, {"1", "dog"}});
    // Pictures of one class, then pictures of none: each is predicted, and named by its file.
    fs::create_directories(scratch.path / "new");
    fs::copy(scratch.path / "d" / "dog", scratch.path / "new" / "dog");
    const auto evaluated = [&](const std::string& folder) {
      const Result done = glocal_command(
          scratch,
          "evaluate --force --dataset images:" + folder + " --out " + (scratch / "out") + " " + (scratch / "run"),
          quietly);
      CHECK_MESSAGE(done.code == 0, done.error);
      return read_file(scratch / "out/predictions.csv");
    };
    CHECK(has(evaluated(scratch / "new"), ",1,dog/21.png\n"));
    CHECK(has(evaluated(scratch / "new/dog"), ",,21.png\n"));
    CHECK(json::parse(read_file(scratch / "out/evaluation.json")).at("known") == 0);
    CHECK(has(refused(scratch, "train --dataset images:" + (scratch / "new/dog"), 3), "a picture beside the folders"));
    write_pictures(scratch.path / "parts" / "train", 9, 8, 1);
    write_pictures(scratch.path / "parts" / "val", 9, 8, 1);
    CHECK(load("images:" + (scratch / "parts"), Part::test).size() == 24);
    CHECK(has(load("images:" + (scratch / "parts"), Part::train).notes.back(), "the test part is val"));
    write_file_atomically(scratch / "d/cat/99.png", app::encode_png(8, 8, 1, std::vector<std::uint8_t>(64)));
    CHECK(has(message_of<DataError>([&] { load_both(name); }), "cat/99.png: expected 9 x 8 pixels as in "));
    fs::rename(scratch / "d/cat/99.png", scratch / "d/cat/99.gif");
    CHECK(has(message_of<DataError>([&] { load_both(name); }), "convert it: mogrify"));
  }

  TEST_CASE("own data: what was read is written as arrays that read the same") {
    const Scratch scratch;
    CHECK(glocal_command(scratch, "data save digits -o " + (scratch / "d.npz")).code == 0);
    const TrainTest digits = load_both("digits"), again = load_both("npz:" + (scratch / "d.npz"));
    CHECK(again.train.pixels == digits.train.pixels);
    CHECK(again.train.labels == digits.train.labels);
    CHECK(again.test.pixels == digits.test.pixels);
    CHECK(has(glocal_command(scratch, "data info npz:" + (scratch / "d.npz")).out, "1500 train, 297 test, 1 x 8 x 8"));
    CHECK(glocal_command(scratch, "data show npz:" + (scratch / "d.npz")).code == 0);
  }
}

TEST_SUITE("data") {
  TEST_CASE("load: EMNIST's images are turned, and its letters begin at 1") {
    const Scratch scratch;
    const std::size_t count = 20800;
    std::string pixels(784 * count, '\0'), labels(count, '\x1a');
    pixels[784 + 3 * 28 + 5] = '\x63';  // in the file: row 3, column 5 of image 1
    labels[1] = '\x01';
    scratch.write("emnist/emnist-letters-test-images-idx3-ubyte.gz", gzip(idx({20800, 28, 28}, pixels)));
    scratch.write("emnist/emnist-letters-test-labels-idx1-ubyte.gz", gzip(idx({20800}, labels)));
    const Dataset test = load("emnist-letters", Part::test, {.data_dir = scratch.path});
    CHECK(test.image(1)[5 * 28 + 3] == 0x63);
    CHECK(test.image(1)[3 * 28 + 5] == 0);
    CHECK(test.class_names[static_cast<std::size_t>(test.labels[1])] == "A");
    CHECK(test.class_names[static_cast<std::size_t>(test.labels[0])] == "Z");
    labels[2] = '\0';
    scratch.write("emnist/emnist-letters-test-labels-idx1-ubyte.gz", gzip(idx({20800}, labels)));
    CHECK_THROWS_AS(load("emnist-letters", Part::test, {.data_dir = scratch.path}), DataError);
  }
}

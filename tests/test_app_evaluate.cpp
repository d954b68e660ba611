// `glocal evaluate`: scores of a run's own data to the bit, files that say the same, and what is refused.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <glocal/app/evaluate/score.h>
#include <glocal/app/record/network.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/load.h>

#include "command.h"
#include "message_of.h"
#include "raw_run.h"

namespace fs = std::filesystem;
using namespace glocal;
using raw::Json;

namespace {

const std::string quick = "--hidden 16 --steps 60 --batch 64 --quiet ";

void trained(const Scratch& scratch, const std::string& command, const std::string& name) {
  const Result result = glocal_command(scratch, command + " --out " + (scratch / name));
  REQUIRE_MESSAGE(result.code == 0, result.error);
}

struct Line {
  std::size_t predicted;
  double probability;
  std::size_t label;
};

std::vector<Line> predictions(const std::string& file) {
  std::istringstream text(read_file(file));
  std::string line;
  std::getline(text, line);
  CHECK(line == "index,class,class_name,probability,label");
  std::vector<Line> lines;
  while (std::getline(text, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    REQUIRE(cells.size() == 5);
    CHECK(cells[0] == std::to_string(lines.size()));
    lines.push_back({std::stoul(cells[1]), std::stod(cells[3]), std::stoul(cells[4])});
  }
  return lines;
}

// All files of an evaluation against each other and the labels, computed again.
void check_files(const std::string& folder, const datasets::Dataset& images) {
  const Json json = raw::json(folder + "/evaluation.json");
  const std::vector<Line> lines = predictions(folder + "/predictions.csv");
  const Tensor logits = load_npy(folder + "/logits.npy");
  const auto n = static_cast<std::size_t>(images.size());
  REQUIRE(lines.size() == n);
  REQUIRE(logits.shape() == Shape{images.size(), 10});
  std::vector<std::vector<std::int64_t>> confusion(10, std::vector<std::int64_t>(10));
  double loss = 0, right = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto at = [&](std::size_t k) { return logits.at(static_cast<std::int64_t>(10 * i + k)); };
    std::size_t best = 0;
    double sum = 0;
    for (std::size_t k = 0; k < 10; ++k)
      if (at(k) > at(best)) best = k;
    for (std::size_t k = 0; k < 10; ++k) sum += std::exp(at(k) - at(best));
    const auto label = static_cast<std::size_t>(images.labels[i]);
    CHECK(lines[i].predicted == best);
    CHECK(lines[i].label == label);
    CHECK(lines[i].probability == doctest::Approx(1 / sum).epsilon(1e-5));
    ++confusion[label][best];
    right += label == best;
    loss += at(best) + std::log(sum) - at(label);
  }
  CHECK(json.at("images") == n);
  CHECK(json.at("known") == n);
  CHECK(raw::number(json.at("accuracy")) == right / static_cast<double>(n));
  CHECK(raw::number(json.at("loss")) == doctest::Approx(loss / static_cast<double>(n)).epsilon(1e-6));
  CHECK(json.at("confusion") == Json(confusion));
  for (std::size_t k = 0; k < 10; ++k) {
    const Json& one = json.at("classes").at(k);
    std::int64_t of = 0, given = 0;
    for (std::size_t j = 0; j < 10; ++j) of += confusion[k][j], given += confusion[j][k];
    CHECK(one.at("images") == of);
    CHECK(one.at("predicted") == given);
    CHECK(one.at("right") == confusion[k][k]);
  }
  const std::string page = read_file(folder + "/report.html");
  CHECK(raw::tiles(page).at("accuracy") == fmt::format("{:.2f} %", 100 * right / static_cast<double>(n)));
}

app::Network network_of(const std::string& run) {
  return app::network_from(load_safetensors(run + "/model.safetensors"), run);
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("evaluate: a run's own parts have the scores of its summary, to the bit") {
    const Scratch scratch;
    trained(scratch, "train " + quick, "plain");
    trained(scratch, "tune --estimator global --updates 3 --meta-lr 3 " + quick, "global");  // keeps an earlier run
    trained(scratch, "tune --estimator local --model resnet20 --steps 3 --block 2 --batch 32 --quiet", "resnet");
    trained(scratch, "train --model resnet20 --average tail --test-views 2 --steps 3 --batch 32 --quiet", "average");
    for (const std::string name : {"plain", "global", "resnet", "average"}) {
      CAPTURE(name);
      const std::string run = scratch / name;
      const Json summary = raw::json(run + "/summary.json");
      REQUIRE(glocal_command(scratch, "evaluate " + run).code == 0);
      REQUIRE(glocal_command(scratch, "evaluate --part validation " + run).code == 0);
      const Json test = raw::json(run + "/evaluate-digits-test/evaluation.json");
      const Json validation = raw::json(run + "/evaluate-digits-validation/evaluation.json");
      CHECK(test.at("loss") == summary.at("test").at("loss"));
      CHECK(test.at("accuracy") == summary.at("test").at("accuracy"));
      CHECK(validation.at("loss") == summary.at("val").at("loss"));
      CHECK(validation.at("accuracy") == summary.at("val").at("accuracy"));
      CHECK(test.at("steps") == summary.at("steps"));
      check_files(run + "/evaluate-digits-test", datasets::load("digits", datasets::Part::test));
    }
  }

  TEST_CASE("evaluate: a regression has no classes, and says where its errors are") {
    const Scratch scratch;
    save_npz(scratch / "t.npz", {{"x", uniform(key(1), {60, 4, 4})}, {"y", uniform(key(2), {60})}});
    trained(scratch, "train --loss mse --steps 20 --batch 10 --quiet --dataset npz:" + (scratch / "t.npz"), "run");
    const Result result = glocal_command(scratch, "evaluate " + (scratch / "run"));
    CHECK(result.code == 2);
    CHECK(has(result.error, "is a regression"));
  }

  TEST_CASE("evaluate: images of another file are read, matched and normalised as those of the run") {
    const Scratch scratch;
    Tensor x({60, 4, 4}, DType::f64), y({60}, DType::i32);
    for (std::int64_t n = 0; n < 60; ++n) {
      y.data<std::int32_t>()[n] = n % 3 == 0 ? 7 : n % 3 == 1 ? 3 : 5;
      for (std::int64_t k = 0; k < 16; ++k) x.data<double>()[16 * n + k] = k % 3 == n % 3 ? 5 + 0.01 * double(n) : 1;
    }
    save_npz(scratch / "all.npz", {{"x", x}, {"y", y}});
    // Labels 7 and 5 alone: by itself a data set of two classes, 5 the first of them, with another mean.
    Tensor some({40, 4, 4}, DType::f64), labels({40}, DType::i32);
    for (std::int64_t n = 0; n < 40; ++n) {
      const std::int64_t from = n / 2 * 3 + (n % 2 == 0 ? 0 : 2);
      labels.data<std::int32_t>()[n] = n % 2 == 0 ? 7 : 5;
      for (std::int64_t k = 0; k < 16; ++k) some.data<double>()[16 * n + k] = x.at(16 * from + k);
    }
    save_npz(scratch / "some.npz", {{"x", some}, {"y", labels}});
    trained(scratch, "train --steps 60 --batch 10 --quiet --dataset npz:" + (scratch / "all.npz"), "run");
    for (const char* part : {"train", "test"}) {
      const Result result = glocal_command(scratch, "evaluate --json --part " + std::string(part) + " --dataset npz:" +
                                                        (scratch / "some.npz") + " " + (scratch / "run"));
      REQUIRE_MESSAGE(result.code == 0, result.error);
      const Json json = Json::parse(result.out);
      CHECK(json.at("part") == "all");  // nothing is held out of what is only evaluated
      CHECK(json.at("images") == 40);
      CHECK(json.at("accuracy") == 1);
      CHECK(json.at("classes").at(1).at("name") == "5");
      CHECK(json.at("classes").at(0).at("images") == 0);  // label 3
    }
  }

  TEST_CASE("evaluate: files without labels, of one class, or of a test part alone") {
    const Scratch scratch;
    trained(scratch, "train " + quick, "run");
    const datasets::Dataset digits = datasets::load("digits", datasets::Part::test);
    constexpr std::int64_t count = 30;
    Tensor x({count, 8, 8}, DType::f64), y({count}, DType::i32), sevens({count}, DType::i32);
    for (std::int64_t i = 0; i < x.size(); ++i) x.data<double>()[i] = digits.pixels[static_cast<std::size_t>(i)];
    for (std::int64_t i = 0; i < count; ++i) {
      y.data<std::int32_t>()[i] = digits.labels[static_cast<std::size_t>(i)];
      sevens.data<std::int32_t>()[i] = 7;
    }
    const auto evaluated = [&](const std::string& dataset) {
      const Result result = glocal_command(scratch, "evaluate --json --force --dataset " + dataset + " --out " +
                                                        (scratch / "out") + " " + (scratch / "run"));
      REQUIRE_MESSAGE(result.code == 0, result.error);
      return Json::parse(result.out);
    };
    save_npz(scratch / "all.npz", {{"x", x}, {"y", y}});
    const Json all = evaluated("npz:" + (scratch / "all.npz"));
    const std::vector<Line> lines = predictions(scratch / "out/predictions.csv");
    REQUIRE(lines.size() == count);
    CHECK(all.at("known") == count);
    save_npz(scratch / "test.npz", {{"x_test", x}, {"y_test", y}});
    CHECK(evaluated("npz:" + (scratch / "test.npz")).at("accuracy") == all.at("accuracy"));
    save_npz(scratch / "sevens.npz", {{"x", x}, {"y", sevens}});
    CHECK(evaluated("npz:" + (scratch / "sevens.npz")).at("classes").at(7).at("images") == count);
    for (const char* name : {"x", "x_test"}) {
      save_npz(scratch / "none.npz", {{name, x}});
      const Json none = evaluated("npz:" + (scratch / "none.npz"));
      CHECK(none.at("images") == count);
      CHECK(none.at("known") == 0);
      const std::string csv = read_file(scratch / "out/predictions.csv");
      CHECK(has(csv, fmt::format("\n{},{},", count - 1, lines.back().predicted)));
    }
    const Result trained_on = glocal_command(scratch, "train --dataset npz:" + (scratch / "none.npz"));
    CHECK(trained_on.code == 3);  // only an evaluation does without labels
    CHECK(has(trained_on.error, "expected y_test beside x_test"));
  }

  TEST_CASE("evaluate: --best takes the network of the least validation loss") {
    const Scratch scratch;
    trained(scratch, "train --hidden 16 --steps 400 --batch 16 --lr 1 --quiet", "run");
    const Result result = glocal_command(scratch, "evaluate --best --json --part validation " + (scratch / "run"));
    REQUIRE(result.code == 0);
    const Json json = Json::parse(result.out);
    CHECK(json.at("network") == "best.safetensors");
    CHECK(json.at("folder") == scratch / "run/evaluate-digits-validation-best");
    const auto scores = raw::with(raw::lines(scratch / "run/metrics.jsonl"), "val_loss");
    const Json least = *std::min_element(
        scores.begin(), scores.end(), [](const Json& a, const Json& b) { return a.at("val_loss") < b.at("val_loss"); });
    CHECK(json.at("loss") == least.at("val_loss"));
    CHECK(json.at("steps") == least.at("step"));
    CHECK(json.at("steps") < 400);
  }

  TEST_CASE("evaluate: nothing is replaced without --force, and nothing but an evaluation with it") {
    const Scratch scratch;
    const std::string run = scratch / "run", out = scratch / "out";
    trained(scratch, "train " + quick, "run");
    const std::string command = "evaluate " + run + " --out " + out;
    REQUIRE(glocal_command(scratch, command).code == 0);
    const Result again = glocal_command(scratch, command);
    CHECK(again.code == 2);
    CHECK(has(again.error, "holds an evaluation already; give another --out, or --force"));
    CHECK(glocal_command(scratch, command + " --force --part train").code == 0);
    CHECK(raw::json(out + "/evaluation.json").at("part") == "train");
    write_file_atomically(out + "/thesis.txt", "x");
    const Result other = glocal_command(scratch, command + " --force");
    CHECK(other.code == 2);
    CHECK(has(other.error, "thesis.txt"));
    CHECK(read_file(out + "/thesis.txt") == "x");
    CHECK(has(glocal_command(scratch, "evaluate " + run + " --out " + out + "/thesis.txt").error, "is no folder"));
  }

  TEST_CASE("evaluate: what is no run, or has no network yet, is refused with the way on") {
    const Scratch scratch;
    const auto refused = [&](const std::string& arguments, int code, const std::string& says) {
      CAPTURE(arguments);
      const Result result = glocal_command(scratch, "evaluate " + arguments);
      CAPTURE(result.error);
      CHECK(result.code == code);
      CHECK(has(result.error, says));
    };
    refused(scratch / "none", 3, "there is no folder");
    fs::create_directory(scratch / "empty");
    refused(scratch / "empty", 3, "holds no config.json");
    trained(scratch, "compare --estimators local --seeds 1 --block 20 " + quick, "compare");
    refused(scratch / "compare", 3, "give one of them: " + (scratch / "compare/fixed-seed0"));
    trained(scratch, "train " + quick, "run");
    const std::string run = scratch / "run";
    refused(run + " --dataset synthetic", 3, "the network takes (1, 8, 8)");
    refused(run + " --dataset digists", 2, "did you mean digits?");
    refused(run + " --dataset synthetic --part validation", 2, "leave out --dataset");
    refused(run + " --part tset", 2, "did you mean test?");
    refused("", 2, "RUN");
    fs::remove(run + "/model.safetensors");
    refused(run, 3, "begin anew with glocal train --config");
    fs::remove(run + "/summary.json");
    refused(run, 3, "is unfinished and holds no model.safetensors yet");
    write_file_atomically(run + "/model.safetensors", "damaged");
    refused(run, 3, "model.safetensors");
    fs::copy(GLOCAL_SOURCE_DIR "/tests/runs_0.1/ended", scratch / "old");
    refused(scratch / "old", 3, "begin anew");
    CHECK(!fs::exists(run + "/evaluate-digits-test"));
  }

  TEST_CASE("evaluate: a run that was stopped says so, and its checkpoint is used") {
    const Scratch scratch;
    const std::string run = scratch / "run";
    REQUIRE(glocal_command(scratch, "train " + quick + "--out " + run, "GLOCAL_INTERRUPT_AT=30").code == 130);
    const Result result = glocal_command(scratch, "evaluate " + run);
    CHECK(result.code == 0);
    const std::int64_t steps = raw::json(run + "/summary.json").at("steps");
    const std::string says = fmt::format(
        "The run is interrupted: this is the network of its latest checkpoint, after {} of 60 steps.", steps);
    CHECK(has(result.error, says));
    CHECK(has(read_file(run + "/evaluate-digits-test/report.html"), says));
  }

  TEST_CASE("evaluate: classes are matched by name, in any order, or by number where no name is the same") {
    const Scratch scratch;
    trained(scratch, "train " + quick, "run");
    const app::Network network = network_of(scratch / "run");
    const datasets::Dataset test = datasets::load("digits", datasets::Part::test);
    const app::Evaluation plain = app::evaluate(network, test);
    CHECK(plain.note.empty());
    datasets::Dataset brighter = test;  // what it was normalised with says nothing: the network's own counts
    brighter.mean = {0};
    brighter.stddev = {1};
    CHECK(same_bits(app::evaluate(network, brighter).logits, plain.logits));
    datasets::Dataset turned = test;
    std::reverse(turned.class_names.begin(), turned.class_names.end());
    for (std::int32_t& label : turned.labels) label = 9 - label;
    CHECK(app::evaluate(network, turned).confusion == plain.confusion);
    datasets::Dataset some = test;  // only images of 3, in a set that knows no other class
    some.class_names = {"3"};
    some.classes = 1;
    some.labels.assign(some.labels.size(), 0);
    CHECK(app::evaluate(network, some).images_of(3) == test.size());
    datasets::Dataset renamed = test;
    for (std::string& name : renamed.class_names) name = "class " + name;
    const app::Evaluation by_number = app::evaluate(network, renamed);
    CHECK(by_number.confusion == plain.confusion);
    CHECK(has(by_number.note, "matched by number"));
    renamed.class_names[4] = "4";
    CHECK(has(message_of<DataError>([&] { app::evaluate(network, renamed); }), "\"class 0\""));
    datasets::Dataset more = test;
    more.class_names.push_back("10");
    CHECK(has(message_of<DataError>([&] { app::evaluate(network, more); }), "11 classes, among them \"10\""));
  }

  TEST_CASE("evaluate: images without a label are predicted and not scored") {
    const Scratch scratch;
    trained(scratch, "train " + quick, "run");
    const app::Network network = network_of(scratch / "run");
    datasets::Dataset images = datasets::load("digits", datasets::Part::test);
    const app::Evaluation all = app::evaluate(network, images);
    for (std::size_t i = 0; i < 100; ++i) images.labels[i] = -1;
    const app::Evaluation some = app::evaluate(network, images);
    CHECK(some.predicted == all.predicted);
    CHECK(some.known == images.size() - 100);
    CHECK(has(app::predictions_csv(some), ",\n1,"));
    images.labels.assign(images.labels.size(), -1);
    const app::Evaluation none = app::evaluate(network, images);
    CHECK(none.known == 0);
    CHECK(std::isnan(none.loss));
    CHECK(app::json_dump(app::to_json(none)).find("\"loss\":null") != std::string::npos);
  }
}

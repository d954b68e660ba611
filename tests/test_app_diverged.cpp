// An inner run that explodes half-way through the command: what is said, what is saved, what is left alone.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <glocal/core/io/file.h>

#include "command.h"

namespace fs = std::filesystem;
using glocal::read_file;

TEST_SUITE("fast") {
  // Weight decay 0.205 at a learning rate of 10 multiplies the weights by -1.05 in every step, momentum does the rest:
  // the loss is a hundred times its first value in the second block.
  TEST_CASE("hard case: an exploding inner run: status diverged, step named, hyperparameters untouched, exit 5") {
    const Scratch scratch;
    for (const std::string estimator : {"local", "glocal", "truncated"}) {
      CAPTURE(estimator);
      const fs::path run = scratch.path / estimator;
      const std::string line = "'" GLOCAL_COMMAND_PATH
                               "' tune --hidden 8 --steps 100 --block 4 --batch 32 --optimizer sgd --lr 10"
                               " --set weight_decay=0.205 --tune momentum --quiet --estimator " +
                               estimator + " --out '" + run.string() + "' >/dev/null 2>'" + (scratch / "error") +
                               "' </dev/null";
      const int status = std::system(line.c_str());
      CHECK(WIFEXITED(status));
      CHECK(WEXITSTATUS(status) == 5);
      const std::string error = read_file(scratch / "error");
      CAPTURE(error);
      std::smatch found;
      REQUIRE(std::regex_search(error, found, std::regex("step ([0-9]+)")));
      const int step = std::stoi(found[1]);
      CHECK(step > 4);
      CHECK(step <= 50);
      const auto summary = nlohmann::json::parse(read_file((run / "summary.json").string()));
      CHECK(summary["status"] == "diverged");
      CHECK(summary["error"].get<std::string>().find("step " + found[1].str()) != std::string::npos);
      std::istringstream lines(read_file((run / "hparams.jsonl").string()));
      nlohmann::json last;
      for (std::string text; std::getline(lines, text);) last = nlohmann::json::parse(text);
      CHECK(last["step"].get<int>() < step);
      CHECK(summary["values"] == last["values"]);
      for (const auto& [name, value] : last["values"].items()) CHECK(value.is_number());
    }
  }

  TEST_CASE(
      "a loss a hundred times its first value, and growing, is diverged in every command, and no trial of a search") {
    const Scratch scratch;
    const std::string sizes = " --hidden 8 --steps 60 --batch 32 --optimizer sgd --quiet --seed 3";
    for (const std::string command :
         {"train", "tune --estimator local --block 10", "tune --estimator global --updates 2"}) {
      CAPTURE(command);
      const std::string folder = scratch / ("run-" + std::to_string(command.size()));
      const Result result = glocal_command(scratch, command + sizes + " --lr 100 --out '" + folder + "'");
      CAPTURE(result.error);
      CHECK(result.code == 5);
      CHECK(has(result.error, "more than 100 times its first value"));
      CHECK_FALSE(std::regex_search(result.error + result.out, std::regex("[0-9]{12}")));
      const auto summary = nlohmann::json::parse(read_file(folder + "/summary.json"));
      CHECK(summary["status"] == "diverged");
    }
    const Result comparison = glocal_command(scratch, "compare --estimators local --seeds 1 --json" + sizes +
                                                          " --lr 100 --out '" + (scratch / "compared") + "'");
    CHECK(comparison.code == 5);
    CHECK(nlohmann::json::parse(comparison.out)["table"][0]["diverged"] == 1);
    // A grid around a large rate: its upper end diverges, which is a bad score and nothing more.
    const Result search = glocal_command(scratch, "tune --estimator grid --budget 6 --search-width 6 --tune lr" +
                                                      sizes + " --lr 1 --json --out '" + (scratch / "grid") + "'");
    CAPTURE(search.error);
    CHECK(search.code == 0);
    std::istringstream lines(read_file(scratch / "grid/hparams.jsonl"));
    int bad = 0, good = 0;
    for (std::string text; std::getline(lines, text);) {
      const auto line = nlohmann::json::parse(text);
      if (!line.contains("tried")) continue;
      bad += line["outer"].is_null();
      good += line["outer"].is_number();
    }
    CHECK(bad > 0);
    CHECK(good > 0);
  }

  TEST_CASE("saturation: what the element type rounds away is refused, at the start and after an update") {
    const Scratch scratch;
    const std::string sizes = " --hidden 8 --steps 60 --batch 32 --optimizer sgd --quiet";
    struct Row {
      std::string arguments;
      int code;
      std::vector<std::string> says;
    };
    for (const Row& r :
         {Row{"train --lr 1e-300", 2, {"lr = 1e-300", "f32", "1.17549435e-38", "f64"}},
          {"train --set momentum=0.99999999", 2, {"momentum = 0.99999999", "f32", "0.99999994"}},
          {"train --set weight_decay=1e300", 2, {"weight_decay = 1e+300", "f32", "3.40282347e+38"}},
          {"tune --lr 1e-300", 2, {"lr = 1e-300", "f32", "the nearest usable value is 1.17"}},
          {"tune --tune momentum --set momentum=0.99999999", 2, {"momentum = 0.99999999", "f32", "0.9999998"}},
          {"tune --tune lr --meta-lr 1000", 5, {"lr = ", "f32", "the nearest usable value is", "meta lr"}}}) {
      CAPTURE(r.arguments);
      const std::string folder = scratch / "saturated";
      std::filesystem::remove_all(folder);
      const Result result = glocal_command(scratch, r.arguments + sizes + " --out '" + folder + "'");
      CAPTURE(result.error);
      CHECK(result.code == r.code);
      for (const std::string& part : r.says) CHECK(has(result.error, part));
      CHECK(std::filesystem::exists(folder) == (r.code == 5));
    }
    CHECK(glocal_command(scratch, "train --dtype f64 --set momentum=0.99999999" + sizes + " --lr 1e-9 --out '" +
                                      (scratch / "wide") + "'")
              .code == 0);
  }
}

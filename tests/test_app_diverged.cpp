// An inner run that explodes half-way through the command: what is said, what is saved, what is left alone.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>

#include <glocal/core/file.h>

namespace fs = std::filesystem;
using glocal::read_file;

TEST_SUITE("fast") {
  // Weight decay 1 at a learning rate of 10 multiplies the weights by -9 in every step: beyond f32 within 45 steps.
  TEST_CASE("hard case: an exploding inner run: status diverged, step named, hyperparameters untouched, exit 5") {
    const fs::path scratch = fs::temp_directory_path() / ("glocal-diverged-" + std::to_string(::getpid()));
    fs::create_directories(scratch);
    for (const std::string estimator : {"local", "glocal", "truncated"}) {
      CAPTURE(estimator);
      const fs::path run = scratch / estimator;
      const std::string line = "'" GLOCAL_COMMAND_PATH
                               "' tune --hidden 8 --steps 100 --block 10 --batch 32 --optimizer sgd --lr 10"
                               " --set weight_decay=1 --tune momentum --quiet --estimator " +
                               estimator + " --out '" + run.string() + "' >/dev/null 2>'" +
                               (scratch / "error").string() + "' </dev/null";
      const int status = std::system(line.c_str());
      CHECK(WIFEXITED(status));
      CHECK(WEXITSTATUS(status) == 5);
      const std::string error = read_file((scratch / "error").string());
      CAPTURE(error);
      std::smatch found;
      REQUIRE(std::regex_search(error, found, std::regex("step ([0-9]+)")));
      const int step = std::stoi(found[1]);
      CHECK(step > 10);
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
    fs::remove_all(scratch);
  }
}
